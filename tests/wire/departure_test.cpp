#include "runtime/wire/departure.hpp"

#include "runtime/wire/envelope.hpp"

#include <boost/test/unit_test.hpp>

namespace utf = boost::unit_test;

namespace troupe::wire {

namespace {

/// The words of the refusal, "" if the message can travel.
std::string refusal(const departure& made, std::size_t body_max = 100) {
  const auto fits = check_departure(made, body_max);
  BOOST_TEST((fits || fits.error().code == errc::invalid));
  BOOST_TEST((fits || fits.error().possible == effect::none));
  return fits ? "" : fits.error().message;
}

} // namespace

BOOST_AUTO_TEST_SUITE(runtime_wire_departure, *utf::label("unit") * utf::timeout(30))

BOOST_AUTO_TEST_CASE(a_refusal_says_what_is_too_large_how_large_and_what_is_allowed) {
  const std::string key(300, 'x');
  const departure made{.what = "the call of step", .name = "charge", .key = key};

  const auto fits = check_departure(made, 100);

  BOOST_REQUIRE(!fits);
  BOOST_TEST(
      fits.error().message
      == "the key of the call of step `charge` has 300 bytes; 256 are allowed");
  BOOST_TEST(fits.error().detail("part") == "key");
  BOOST_TEST(fits.error().detail("bytes") == "300");
  BOOST_TEST(fits.error().detail("bytes_max") == "256");
}

BOOST_AUTO_TEST_CASE(each_part_has_its_bound) {
  const std::string longest(key_bytes_max, 'k');
  const std::string name(name_bytes_max, 'n');
  const std::string too_long = name + "n";
  BOOST_TEST(
      refusal(
          {.what = "it",
           .to = name,
           .op = name,
           .topic = "a.b",
           .key = longest,
           .traceparent = longest,
           .body_bytes = 100})
      == "");

  BOOST_TEST(refusal({.what = "it", .to = too_long}).starts_with("the capability of it"));
  BOOST_TEST(refusal({.what = "it", .to = ""}).starts_with("the capability of it"));
  BOOST_TEST(refusal({.what = "it", .op = too_long}).starts_with("the operation of it"));
  BOOST_TEST(refusal({.what = "it", .topic = "A b"}).starts_with("`A b` is no topic"));
  BOOST_TEST(refusal({.what = "it", .key = "\xff"}) == "the key of it is not UTF-8");
  BOOST_TEST(refusal({.what = "it", .traceparent = too_long + longest})
                 .starts_with("the traceparent of it"));
  BOOST_TEST(
      refusal({.what = "it", .body_bytes = 101}).find("limits: {body: ...}") != std::string::npos);
}

// Some databases do not keep it, and an event that is published already cannot be refused.
BOOST_AUTO_TEST_CASE(the_key_of_an_event_has_no_nul) {
  const std::string key{"a\0b", 3};

  BOOST_TEST(
      refusal({.what = "the event", .topic = "a.b", .key = key}).find("NUL") != std::string::npos);
  BOOST_TEST(refusal({.what = "the call", .to = "a", .op = "b", .key = key}) == "");
}

// What a receiver would refuse never leaves, and the other way round.
BOOST_AUTO_TEST_CASE(a_header_scans_exactly_if_it_may_leave) {
  for (const std::size_t key : {0U, 1U, 256U, 257U, 5'000U}) {
    for (const std::size_t to : {0U, 1U, 64U, 65U}) {
      const std::string key_text(key, 'k');
      const std::string name(to, 'n');
      std::string header;
      append_call_header(header, {.id = {}, .to = name, .op = "do", .key = key_text, .ttl = 1});

      const bool leaves =
          check_departure({.what = "it", .to = name, .op = "do", .key = key_text}, 1).has_value();

      BOOST_TEST(leaves == scan_header(header).has_value());
    }
  }
}

// An event may have been committed while the limit was higher; every frame holds a control message.
BOOST_AUTO_TEST_CASE(what_is_committed_leaves_as_long_as_a_frame_holds_it) {
  BOOST_TEST(carried_bytes_max(1'000) == control_bytes_max);
  BOOST_TEST(carried_bytes_max(4 * control_bytes_max) == 4 * control_bytes_max);
  BOOST_TEST(
      carried_bytes_max(1'000) + header_bytes_max + frame_slack_bytes <= frame_bytes_max(1'000));
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::wire
