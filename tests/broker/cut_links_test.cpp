#include "runtime/broker/cut_links.hpp"

#include <boost/test/unit_test.hpp>

namespace troupe::broker {

namespace utf = boost::unit_test;

BOOST_AUTO_TEST_SUITE(runtime_broker_cut_links, *utf::label("unit") * utf::timeout(5))

namespace {

using namespace std::chrono_literals;

constexpr login_id n1{1};
constexpr suspect_of mail{0};
constexpr suspect_of stock{1};
constexpr std::size_t fits = 1'100'000;
constexpr std::size_t too_much = 2'000'000;

uuid id_of(std::uint8_t number) {
  uuid made;
  made.bytes[0] = std::byte{number};
  return made;
}

cut_links::message call_of(std::uint8_t number, std::size_t bytes) {
  return {.id = id_of(number), .bytes = bytes};
}

cut_links::message event_of(suspect_of whose, std::uint64_t position, std::size_t bytes) {
  return {whose, id_of(static_cast<std::uint8_t>(position)), 7, position, bytes};
}

struct cut_links_fixture {
  /// The worker is sent these and its link ends.
  void cut(const std::vector<cut_links::message>& sent, std::vector<uuid> in_hand = {}) {
    send(sent);
    come_back(std::move(in_hand));
  }

  void send(const std::vector<cut_links::message>& sent) {
    for (const cut_links::message& each : sent) {
      tested.sent(n1, each, now);
    }
  }

  void come_back(std::vector<uuid> in_hand = {}) {
    tested.ended(n1, process, now);
    tested.came_back(process, in_hand);
  }

  bool has_found_any() const {
    return tested.too_large(suspect_of::calls) || tested.too_large(mail) || tested.too_large(stock);
  }

  cut_links tested;
  uuid process = id_of(200);
  instant now{1h};
};

} // namespace

// Each of two groups and the router has a large message in hand, whichever is sent first.
BOOST_FIXTURE_TEST_CASE(whoever_sent_it_the_largest_alone_is_blamed, cut_links_fixture) {
  cut({call_of(1, fits), event_of(mail, 1, too_much), event_of(stock, 2, fits)});
  cut({event_of(stock, 2, fits), call_of(1, fits), event_of(mail, 1, too_much)});
  BOOST_TEST(!has_found_any());
  cut({event_of(mail, 1, too_much), event_of(stock, 2, fits), call_of(1, fits)});

  BOOST_TEST(!tested.too_large(suspect_of::calls));
  BOOST_TEST(!tested.too_large(stock));
  BOOST_REQUIRE(tested.too_large(mail).has_value());
  BOOST_TEST(tested.too_large(mail)->position == 1U);
}

// Both cut links: the second one in its turn.
BOOST_FIXTURE_TEST_CASE(of_two_that_are_too_large_each_is_found, cut_links_fixture) {
  for (int i = 0; i < cuts_convicted; ++i) {
    cut({event_of(stock, 2, too_much - 1), event_of(mail, 1, too_much)});
  }
  BOOST_REQUIRE(tested.too_large(mail).has_value());
  tested.set_aside();
  for (int i = 0; i < cuts_convicted; ++i) {
    BOOST_TEST(!has_found_any());
    cut({event_of(stock, 2, too_much - 1)});
  }

  BOOST_TEST(tested.too_large(stock).has_value());
}

BOOST_FIXTURE_TEST_CASE(what_every_peer_takes_has_cut_nothing, cut_links_fixture) {
  for (int i = 0; i < 10; ++i) {
    cut({call_of(1, cutting_bytes_least), event_of(mail, 1, 10)});
  }

  BOOST_TEST(!has_found_any());
}

BOOST_FIXTURE_TEST_CASE(an_answer_says_that_all_before_it_was_taken, cut_links_fixture) {
  for (int i = 0; i < 10; ++i) {
    send({call_of(1, too_much), event_of(mail, 1, too_much), call_of(2, 10)});
    tested.answered(n1, id_of(2));
    come_back();
    send({call_of(1, too_much), event_of(mail, 1, 10), event_of(mail, 2, 10)});
    tested.answered(n1, mail, 7, 0, 1);
    come_back();
  }
  BOOST_TEST(!has_found_any());
  for (int i = 0; i < cuts_convicted; ++i) {
    send({call_of(2, 10), event_of(mail, 1, too_much), call_of(3, 10)});
    tested.answered(n1, id_of(2));          // It was sent before,
    tested.answered(n1, mail, 8, 0, 1);     // this is another partition,
    tested.answered(login_id{2}, id_of(3)); // and this is another login.
    come_back();
  }

  BOOST_TEST(tested.too_large(mail).has_value());
}

BOOST_FIXTURE_TEST_CASE(cuts_count_in_a_row, cut_links_fixture) {
  for (int i = 0; i < 10; ++i) {
    for (int j = 1; j < cuts_convicted; ++j) {
      cut({event_of(mail, 1, too_much)});
    }
    send({event_of(mail, 1, too_much)});
    now += 2s; // The link lasted,
    come_back();
    cut({call_of(1, too_much)});
    cut({call_of(1, too_much)}, {id_of(1)}); // or the worker has what it was sent.
  }

  BOOST_TEST(!has_found_any());
}

// An earlier login brought the call; this one was sent nothing large.
BOOST_FIXTURE_TEST_CASE(a_login_is_cut_by_what_it_was_sent_alone, cut_links_fixture) {
  cut({call_of(1, too_much)});
  for (int i = 0; i < 10; ++i) {
    cut({call_of(2, 10)}, {id_of(1)});
  }
  BOOST_TEST(!has_found_any());
  tested.sent(n1, call_of(1, too_much), now);
  tested.closed(n1); // It said BYE.
  come_back();

  BOOST_TEST(!has_found_any());
}

BOOST_FIXTURE_TEST_CASE(what_is_remembered_is_bounded, cut_links_fixture) {
  cut({call_of(0, too_much)});
  cut({call_of(0, too_much)});
  for (std::uint8_t i = 1; i <= 100; ++i) {
    cut({call_of(i, too_much)}); // Each gives up, and another one comes.
  }
  cut({call_of(0, too_much)});

  BOOST_TEST(!has_found_any()); // The first was forgotten.
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::broker
