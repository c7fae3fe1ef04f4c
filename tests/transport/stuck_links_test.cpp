#include "runtime/transport/stuck_links.hpp"

#include "runtime/contains.hpp"

#include <boost/test/unit_test.hpp>

#include <map>

namespace utf = boost::unit_test;

namespace troupe::transport {

namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t message_bytes = 1'000;

struct stuck_links_fixture {
  std::vector<int> look(bool is_all_read = true) {
    now += stuck_links::look_interval;
    return tested.look(is_all_read, received, now);
  }

  void heard(int descriptor) { tested.heard(descriptor, received); }

  /// Ended within as long as it may take.
  bool is_ended(int descriptor, bool is_all_read = true) {
    const instant until = now + stuck_links::patience + 3 * stuck_links::look_interval;
    while (now < until) {
      const auto ending = look(is_all_read);
      if (contains(ending, descriptor)) {
        return true;
      }
    }
    return false;
  }

  std::map<int, std::uint64_t> bytes;
  stuck_links::measure received = [this](int descriptor) { return bytes[descriptor]; };
  stuck_links tested{message_bytes};
  instant now{1h};
};

} // namespace

BOOST_AUTO_TEST_SUITE(runtime_transport_stuck_links, *utf::label("unit") * utf::timeout(20))

// A loop that is busy takes messages many times before it takes news.
BOOST_FIXTURE_TEST_CASE(
    who_was_heard_before_the_news_of_him_and_waits_since_is_not_stuck, stuck_links_fixture) {
  bytes[7] = 3 * message_bytes;
  heard(7);
  heard(7);
  tested.accepted(7);

  BOOST_TEST(!is_ended(7));

  bytes[7] += message_bytes + 1;
  BOOST_TEST(is_ended(7));
}

BOOST_FIXTURE_TEST_CASE(
    who_sends_more_than_a_message_and_is_not_heard_is_stuck, stuck_links_fixture) {
  tested.accepted(7);
  tested.accepted(8);
  bytes[7] = message_bytes;
  BOOST_TEST(!is_ended(7));
  BOOST_TEST(!tested.is_watching());
  bytes[7] += 1;

  BOOST_TEST(is_ended(7));
  BOOST_TEST(!tested.is_watching());
  BOOST_TEST(!is_ended(8));
}

BOOST_FIXTURE_TEST_CASE(whoever_is_heard_may_send_as_much_as_it_will, stuck_links_fixture) {
  tested.accepted(7);
  for (int i = 0; i < 100; ++i) {
    bytes[7] += 10 * message_bytes;
    BOOST_REQUIRE(look().empty());
    heard(7);
    BOOST_TEST(!tested.is_watching());
  }
  BOOST_TEST(!is_ended(7));
  bytes[7] += 10 * message_bytes; // From here on, nothing is a message.

  BOOST_TEST(is_ended(7));
}

// Its last message was read before anybody looked at its bytes. It now waits for the answer.
BOOST_FIXTURE_TEST_CASE(whoever_was_heard_and_is_silent_since_is_not_stuck, stuck_links_fixture) {
  tested.accepted(7);
  for (int i = 0; i < 3; ++i) {
    bytes[7] += 10 * message_bytes;
    heard(7);
  }

  BOOST_TEST(!is_ended(7));
  BOOST_TEST(!tested.is_watching());
}

// The loop has not read all that has come, and may be about to hear of it.
// A machine that kept the loop from its processor kept libzmq's thread from it, too.
BOOST_FIXTURE_TEST_CASE(a_standstill_is_not_the_fault_of_who_is_watched, stuck_links_fixture) {
  tested.accepted(7);
  bytes[7] = 2 * message_bytes;
  BOOST_TEST(look().empty());
  BOOST_TEST(tested.is_watching());

  now += 10s;
  tested.stood_still(now);

  BOOST_TEST(look(false).empty());
  BOOST_TEST(look().empty());
  BOOST_TEST(is_ended(7));
}

BOOST_FIXTURE_TEST_CASE(a_loop_that_is_behind_waits_for_longer, stuck_links_fixture) {
  tested.accepted(7);
  bytes[7] = 10 * message_bytes;

  BOOST_TEST(!is_ended(7, false));
  now += stuck_links::patience_when_busy;
  BOOST_TEST(look(false) == std::vector<int>{7});
}

BOOST_FIXTURE_TEST_CASE(a_number_that_is_given_again_begins_anew, stuck_links_fixture) {
  tested.accepted(7);
  bytes[7] = 10 * message_bytes;
  BOOST_TEST(look().empty());
  BOOST_TEST(tested.is_watching());
  tested.ended(7);
  bytes[7] = 0;
  tested.accepted(7);

  BOOST_TEST(!tested.is_watching());
  BOOST_TEST(!is_ended(7));
  tested.ended(7);
  BOOST_TEST((tested.next_due() == instant::max()));
}

BOOST_FIXTURE_TEST_CASE(of_many_connections_some_are_looked_at_each_time, stuck_links_fixture) {
  constexpr int connections = 1'000;
  for (int i = 0; i < connections; ++i) {
    tested.accepted(i);
  }
  std::size_t asked = 0;
  received = [&](int descriptor) {
    ++asked;
    return bytes[descriptor];
  };
  BOOST_TEST(look().empty());
  BOOST_TEST(asked == stuck_links::looked_at_once);
  for (const int each : {0, 500, connections - 1}) {
    bytes[each] = 10 * message_bytes;
  }
  std::size_t ended = 0;
  for (int i = 0; i < 20; ++i) {
    ended += look().size();
  }

  BOOST_TEST(ended == 3U);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::transport
