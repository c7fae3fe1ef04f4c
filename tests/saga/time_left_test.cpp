#include "runtime/saga/time_left.hpp"

#include <boost/test/unit_test.hpp>

namespace utf = boost::unit_test;

namespace troupe::saga::test {

namespace {

using namespace std::chrono_literals;

constexpr std::chrono::hours day{24};

/// A wait of 14 days that was taken up when it had lasted for one.
struct taken_up {
  std::optional<milliseconds> look(wall_time::duration wall, wall_time::duration settled) {
    return look_again(left, due, {begun + wall, begun + settled});
  }

  const wall_time begun{std::chrono::hours{24 * 365 * 55}};
  const wall_time due = begun + 14 * day;
  time_left left{.most = 14 * day};
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(runtime_saga_time_left, taken_up, *utf::label("unit") * utf::timeout(5))

BOOST_AUTO_TEST_CASE(what_both_clocks_call_over_is_over_at_once) {
  BOOST_TEST(!look(14 * day, 14 * day).has_value());
}

BOOST_AUTO_TEST_CASE(a_wall_clock_that_is_right_again_ends_nothing) {
  BOOST_TEST((look(16 * day, 1 * day) == 1min));
  BOOST_TEST((look(1 * day + 1min, 1 * day + 1min) == 13 * day - 1min));
  BOOST_TEST((look(16 * day, 1 * day + 2min) == 1min)); // Wrong once more, and doubted again.
}

// As after a stop of weeks: the settled time takes as long to come after.
BOOST_AUTO_TEST_CASE(a_wall_clock_that_says_over_twice_is_believed) {
  BOOST_TEST((look(15 * day, 1 * day) == 1min));
  BOOST_TEST(!look(15 * day + 1min, 1 * day + 2min).has_value());
}

BOOST_AUTO_TEST_CASE(a_wall_clock_that_is_ahead_brings_only_the_next_look_forward) {
  BOOST_TEST((look(11 * day, 1 * day) == 3 * day));
  BOOST_TEST((look(4 * day, 4 * day) == 10 * day));
}

BOOST_AUTO_TEST_CASE(a_wall_clock_that_is_behind_lengthens_nothing) {
  BOOST_TEST((look(-100 * day, 1 * day) == 13 * day));
  BOOST_TEST(!look(-100 * day, 14 * day).has_value());
}

// The clock of the machine that wrote the time down was ahead by a year.
BOOST_AUTO_TEST_CASE(nobody_waits_for_longer_than_the_plan_says) {
  BOOST_TEST((look_again(left, due + 365 * day, {begun, begun}) == 14 * day));
  BOOST_TEST(!look_again(left, due + 365 * day, {begun + 14 * day, begun + 14 * day}).has_value());
}

BOOST_AUTO_TEST_CASE(a_short_time_is_doubted_for_no_longer_than_it_is) {
  time_left seconds{.most = 5s};
  BOOST_TEST((look_again(seconds, begun, {begun + 1s, begun - 40s}) == 5s));
  BOOST_TEST(!look_again(seconds, begun, {begun + 6s, begun - 35s}).has_value());
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::saga::test
