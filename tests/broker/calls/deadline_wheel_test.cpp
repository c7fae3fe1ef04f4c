#include "runtime/broker/calls/deadline_wheel.hpp"

#include "tests/broker/calls/router_fixture.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>

namespace troupe::broker {

namespace utf = boost::unit_test;

BOOST_AUTO_TEST_SUITE(runtime_broker_deadline_wheel, *utf::label("unit") * utf::timeout(30))

struct wheel_fixture {
  wheel_fixture() {
    for (std::uint64_t number = 0; number < 100; ++number) {
      wire::header_view header;
      header.id = router_fixture::id(number);
      header.ttl_at = 1;
      header.op = bytes;
      (void)calls.add(header, bytes, {});
    }
    collect(0ms);
  }

  std::vector<std::uint32_t> collect(milliseconds at) {
    std::vector<std::uint32_t> due;
    tested.collect(start + at, due);
    std::sort(due.begin(), due.end());
    return due;
  }

  std::string bytes = "header";
  instant start{std::chrono::hours{5}};
  held_calls calls;
  deadline_wheel tested{calls};
};

using slots = std::vector<std::uint32_t>;

BOOST_FIXTURE_TEST_CASE(it_reports_at_the_first_tick_not_before_the_time, wheel_fixture) {
  tested.set(1, start + 25ms);
  tested.set(2, start + 30ms);
  tested.set(3, start + 31ms);

  BOOST_TEST(collect(29ms).empty());
  BOOST_TEST((collect(30ms) == slots{1, 2}));
  BOOST_TEST((collect(40ms) == slots{3}));
  BOOST_TEST(tested.size() == 0U);
}

BOOST_FIXTURE_TEST_CASE(what_was_cancelled_or_moved_is_not_reported, wheel_fixture) {
  tested.set(1, start + 20ms);
  tested.set(2, start + 20ms);
  tested.set(3, start + 20ms);

  tested.cancel(2);
  tested.set(3, start + 60ms);

  BOOST_TEST((collect(50ms) == slots{1}));
  BOOST_TEST((collect(60ms) == slots{3}));
}

BOOST_FIXTURE_TEST_CASE(a_time_in_the_past_is_due_at_the_next_tick, wheel_fixture) {
  (void)collect(100ms);
  tested.set(1, start + 50ms);

  BOOST_TEST((collect(110ms) == slots{1}));
}

BOOST_FIXTURE_TEST_CASE(times_beyond_one_turn_and_long_gaps_are_kept, wheel_fixture) {
  tested.set(1, start + 100s);
  tested.set(2, start + 41s);
  tested.set(3, start + 99s);

  BOOST_TEST(collect(40s).empty());
  BOOST_TEST((collect(99'500ms) == slots{2, 3}));
  BOOST_TEST((collect(1000s) == slots{1}));
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::broker
