#include "runtime/calls/timer_wheel.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>

namespace troupe::calls {

namespace utf = boost::unit_test;
using namespace std::chrono_literals;

BOOST_AUTO_TEST_SUITE(runtime_calls_timer_wheel, *utf::label("unit") * utf::timeout(30))

struct wheel_fixture {
  std::vector<std::uint32_t> take(milliseconds at) {
    std::vector<std::uint32_t> due;
    tested.take_due(start + at, due);
    std::ranges::sort(due);
    return due;
  }

  instant start{std::chrono::hours{5}};
  timer_wheel tested{start};
};

using slots = std::vector<std::uint32_t>;

BOOST_FIXTURE_TEST_CASE(it_reports_at_the_first_tick_not_before_the_time, wheel_fixture) {
  tested.set(1, start + 25ms);
  tested.set(2, start + 30ms);
  tested.set(3, start + 30ms + 1us);

  BOOST_TEST(take(24ms).empty());
  BOOST_TEST((take(30ms) == slots{1, 2}));
  BOOST_TEST((take(31ms) == slots{3}));
  BOOST_TEST(tested.size() == 0U);
}

BOOST_FIXTURE_TEST_CASE(what_was_cleared_or_moved_is_not_reported, wheel_fixture) {
  tested.set(1, start + 20ms);
  tested.set(2, start + 20ms);
  tested.set(3, start + 20ms);

  tested.clear(2);
  tested.clear(2);
  tested.clear(1'000);
  tested.set(3, start + 60ms);

  BOOST_TEST(tested.size() == 2U);
  BOOST_TEST((take(50ms) == slots{1}));
  BOOST_TEST((take(60ms) == slots{3}));
}

BOOST_FIXTURE_TEST_CASE(a_time_in_the_past_is_due_at_the_next_tick, wheel_fixture) {
  (void)take(100ms);
  tested.set(1, start + 50ms);

  BOOST_TEST((take(101ms) == slots{1}));
}

BOOST_FIXTURE_TEST_CASE(times_beyond_one_turn_and_long_gaps_are_kept, wheel_fixture) {
  tested.set(1, start + 100s);
  tested.set(2, start + 41s);
  tested.set(3, start + 99s);

  BOOST_TEST(take(40s).empty());
  BOOST_TEST((take(99'500ms) == slots{2, 3}));
  BOOST_TEST((take(1000s) == slots{1}));
}

// The router begins its wheel long before the first call.
BOOST_AUTO_TEST_CASE(a_wheel_that_begins_at_the_clocks_zero_reports_in_time) {
  timer_wheel tested{instant{}};
  const instant now{std::chrono::hours{10'000}};
  std::vector<std::uint32_t> due;
  tested.set(7, now + 25ms);

  tested.take_due(now + 24ms, due);
  BOOST_TEST(due.empty());
  tested.take_due(now + 25ms, due);

  BOOST_TEST((due == slots{7}));
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::calls
