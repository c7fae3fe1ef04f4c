#include "runtime/broker/events/group/retries.hpp"

#include <boost/test/unit_test.hpp>

#include <memory>
#include <string>
#include <utility>

namespace troupe::broker {

namespace utf = boost::unit_test;

namespace {

using namespace std::chrono_literals;

struct retries_fixture {
  tracked_events events{event_window{}, 1'000'000};
  retries tested{events, backoff_range{100ms, 400ms}, 1};
  instant now{1h};

  static event_ref at(std::uint64_t position, std::string key) {
    auto made = std::make_shared<event>();
    made->position = position;
    made->key = std::move(key);
    return made;
  }

  /// Postpones an event of partition 3. @param key null: its body is not in memory.
  std::uint32_t postpone(std::uint64_t position, std::uint32_t attempts, const char* key) {
    const std::uint32_t slot = events.add(position, 3);
    if (key != nullptr) {
      events.give_body(slot, at(position, key));
    }
    tested.add(slot, {position, attempts, false, "transient", "", 0}, "n1", now);
    tested.schedule_all(3, now);
    return slot;
  }
};

} // namespace

BOOST_AUTO_TEST_SUITE(runtime_broker_events_group_retries, *utf::label("unit") * utf::timeout(5))

BOOST_FIXTURE_TEST_CASE(a_failed_event_is_ready_after_its_backoff, retries_fixture) {
  const std::uint32_t slot = postpone(1, 1, "k");
  tested.ring(now + 74ms);
  BOOST_TEST(!tested.has_ready(3));

  tested.ring(now + 126ms);

  BOOST_REQUIRE(tested.has_ready(3));
  BOOST_TEST(tested.take_ready(3) == slot);
}

BOOST_FIXTURE_TEST_CASE(the_next_of_a_key_follows_when_the_first_is_gone, retries_fixture) {
  const std::uint32_t first = postpone(1, 1, "k");
  const std::uint32_t next = postpone(2, 0, "k");
  BOOST_TEST(!tested.has_ready(3));

  tested.remove(first, now);

  BOOST_REQUIRE(tested.has_ready(3));
  BOOST_TEST(tested.take_ready(3) == next);
  BOOST_TEST(tested.size() == 1U);
}

BOOST_FIXTURE_TEST_CASE(events_without_a_key_wait_for_no_other, retries_fixture) {
  (void)postpone(1, 1, "");
  const std::uint32_t second = postpone(2, 0, "");

  BOOST_REQUIRE(tested.has_ready(3));
  BOOST_TEST(tested.take_ready(3) == second);
}

BOOST_FIXTURE_TEST_CASE(nothing_is_ready_while_a_body_is_missing, retries_fixture) {
  const std::uint32_t missing = postpone(1, 0, nullptr);
  (void)postpone(2, 0, "k");
  BOOST_TEST(tested.lacks_bodies(3));
  BOOST_TEST(!tested.has_ready(3));

  tested.give_body(missing, at(1, "k"));
  tested.schedule_all(3, now);

  BOOST_REQUIRE(tested.has_ready(3));
  BOOST_TEST(tested.take_ready(3) == missing);
  BOOST_TEST(!tested.has_ready(3));
}

BOOST_FIXTURE_TEST_CASE(an_event_that_is_set_aside_is_sent_alone, retries_fixture) {
  const std::uint32_t slot = postpone(1, 0, "k");
  tested.set_aside(tested.take_ready(3));
  BOOST_TEST(!tested.has_ready(3));
  BOOST_TEST(tested.first_aside(3) == slot);

  BOOST_TEST(tested.take_aside(slot));
  BOOST_TEST(!tested.take_aside(slot));
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::broker
