#include "runtime/transport/link_proof.hpp"

#include "runtime/wire/envelope.hpp"
#include "runtime/wire/login.hpp"

#include <boost/test/unit_test.hpp>

#include <optional>
#include <string>
#include <vector>

namespace utf = boost::unit_test;

namespace troupe::transport {

namespace {

using namespace std::chrono_literals;

/// A link that has logged in with the token `first`, which is to be renewed after 40 s.
struct link_proof_fixture {
  using renewal = link_proof::renewal;

  link_proof_fixture() { BOOST_REQUIRE(tested.begin(now)); }

  renewal after(std::chrono::nanoseconds time) {
    now += time;
    return tested.renew(now);
  }

  bool is_quiet_after(std::chrono::nanoseconds time) { return after(time) == renewal::none; }

  /// Whether it shows this token once so much time is over.
  bool shows_after(std::chrono::nanoseconds time, const std::string& wanted) {
    if (after(time) != renewal::token || !tested.is_awaited()) {
      return false;
    }
    wire::batch_writer out;
    tested.append_renewal(out);
    wire::batch_reader read{out.frame()};
    wire::envelope_view sent;
    BOOST_REQUIRE(read.next(sent));
    const auto header = wire::scan_header(sent.header).value();
    shown_as = header.id;
    return header.kind == wire::kind::state
           && wire::decode<wire::state>(sent.body).value().token == wanted;
  }

  void answer(const std::optional<error>& why) {
    std::string header;
    if (why) {
      wire::append_error_header(header, shown_as, *why);
    } else {
      wire::append_reply_header(header, shown_as, wire::status::ok);
    }
    BOOST_TEST(tested.take_answer(header, now));
    BOOST_TEST(!tested.is_awaited());
  }

  void refuse() { answer(error{.code = errc::unauthenticated, .message = "a wrong signature"}); }

  instant now{1h};
  std::optional<std::string> text{"first"};
  milliseconds renew_in{40'000};
  std::vector<std::string> told;
  uuid shown_as;
  link_key_source source = [this](int, std::size_t) -> outcome<curve_link_keys> {
    if (!text) {
      return failure{invalid("the file cannot be read")};
    }
    curve_link_keys keys;
    keys.token =
        login_token{*text, renew_in, [this](const error& why) { told.push_back(why.message); }};
    return keys;
  };
  link_proof tested{source, 0};
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(
    runtime_transport_link_proof, link_proof_fixture, *utf::label("unit") * utf::timeout(5))

BOOST_AUTO_TEST_CASE(another_token_is_shown_in_time_and_once) {
  text = "second";

  BOOST_TEST(is_quiet_after(39s));
  BOOST_TEST(!tested.is_awaited());
  BOOST_TEST(shows_after(1s, "second"));
  answer(std::nullopt);

  BOOST_TEST(is_quiet_after(39s));
  BOOST_TEST(told.empty());
}

BOOST_AUTO_TEST_CASE(the_answer_to_something_else_is_left_to_others) {
  std::string header;
  wire::append_reply_header(header, uuid{}, wire::status::ok);
  BOOST_TEST(!tested.take_answer(header, now));
  text = "second";
  BOOST_REQUIRE(shows_after(40s, "second"));

  BOOST_TEST(!tested.take_answer(header, now));
  BOOST_TEST(!tested.take_answer("x", now));
  BOOST_TEST(tested.is_awaited());
}

// Each message is looked at for the answer, while that is awaited.
BOOST_AUTO_TEST_CASE(a_broker_of_an_earlier_release_is_not_waited_for) {
  text = "second";
  BOOST_REQUIRE(shows_after(40s, "second"));

  BOOST_TEST(is_quiet_after(9s));
  BOOST_TEST(tested.is_awaited());
  BOOST_TEST(is_quiet_after(1s));
  BOOST_TEST(!tested.is_awaited());
  BOOST_TEST(told.empty());
}

BOOST_AUTO_TEST_CASE(one_that_is_refused_is_told_and_tried_again_with_back_off) {
  text = "second";
  BOOST_REQUIRE(shows_after(40s, "second"));
  refuse();

  BOOST_TEST(
      told == std::vector<std::string>{"a wrong signature"}, boost::test_tools::per_element());
  BOOST_TEST(is_quiet_after(999ms));
  BOOST_TEST(shows_after(1ms, "second")); // It may be good by now.
  refuse();
  BOOST_TEST(is_quiet_after(1'999ms));
  BOOST_TEST(shows_after(1ms, "second"));
  for (int i = 0; i < 20; ++i) {
    refuse();
    BOOST_TEST(is_quiet_after(3ms));
    BOOST_TEST(shows_after(60s, "second"));
  }
  answer(std::nullopt);

  text = "third";
  BOOST_TEST(shows_after(40s, "third"));
  refuse();
  BOOST_TEST(shows_after(1s, "third"));
}

BOOST_AUTO_TEST_CASE(a_source_that_fails_is_told_at_once_and_asked_again) {
  text.reset();

  BOOST_TEST(is_quiet_after(40s));
  BOOST_TEST(
      told == std::vector<std::string>{"the file cannot be read"},
      boost::test_tools::per_element());
  BOOST_TEST(is_quiet_after(999ms));
  BOOST_TEST(told.size() == 1U);
  BOOST_TEST(is_quiet_after(1ms));
  BOOST_TEST(told.size() == 2U);
  text = "second";
  BOOST_TEST(is_quiet_after(1'999ms));
  BOOST_TEST(shows_after(1ms, "second"));
}

// Whoever renews the file may be a little later than two thirds of the time.
BOOST_AUTO_TEST_CASE(a_token_that_nobody_renews_is_told_once_before_it_expires) {
  renew_in = 13'333ms;
  BOOST_TEST(is_quiet_after(40s));
  BOOST_TEST(told.empty());
  renew_in = 4'444ms;
  BOOST_TEST(is_quiet_after(14s));

  BOOST_REQUIRE(told.size() == 1U);
  BOOST_TEST(told[0].find("expires in 6 s") != std::string::npos, told[0]);
  BOOST_TEST(is_quiet_after(5s));
  BOOST_TEST(told.size() == 1U);
}

BOOST_AUTO_TEST_CASE(a_new_connection_begins_anew) {
  text = "second";
  BOOST_REQUIRE(shows_after(40s, "second"));

  BOOST_REQUIRE(tested.begin(now));

  BOOST_TEST(!tested.is_awaited());
  BOOST_TEST(is_quiet_after(39s));
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::transport
