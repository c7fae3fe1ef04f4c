#include "runtime/settled_time.hpp"

#include <boost/test/unit_test.hpp>

namespace utf = boost::unit_test;

namespace {

using namespace std::chrono_literals;
using troupe::instant;
using troupe::settled_time;
using troupe::wall_time;

constexpr std::chrono::hours day{24};
constexpr wall_time wall{std::chrono::milliseconds{1'700'000'000'123}};
constexpr instant start{1h};

} // namespace

BOOST_AUTO_TEST_SUITE(runtime_settled_time, *utf::label("unit") * utf::timeout(10))

BOOST_AUTO_TEST_CASE(it_goes_with_a_wall_clock_that_goes_with_the_monotonic_one) {
  settled_time time{wall, start};

  for (int minutes = 1; minutes < 100; ++minutes) {
    BOOST_TEST(
        (time.at(start + std::chrono::minutes{minutes}, wall + std::chrono::minutes{minutes})
         == wall + std::chrono::minutes{minutes}));
  }
}

BOOST_AUTO_TEST_CASE(a_jump_ahead_moves_it_by_no_more_than_it_lasts) {
  settled_time time{wall, start};

  BOOST_TEST((time.at(start, wall + 30 * day) == wall));
  BOOST_TEST((time.at(start + 1h, wall + 30 * day + 1h) == wall + 2h));
  // It is put right, and the lead melts.
  BOOST_TEST((time.at(start + 2h, wall + 2h) == wall + 2h + 30min));
  BOOST_TEST((time.at(start + 4h, wall + 4h) == wall + 4h));
}

BOOST_AUTO_TEST_CASE(a_jump_back_does_not_stop_it) {
  settled_time time{wall, start};

  BOOST_TEST((time.at(start + 2h, wall - 30 * day) == wall + 1h));
}

BOOST_AUTO_TEST_CASE(it_catches_up_after_a_stop_at_twice_the_pace) {
  settled_time time{wall - 8 * day, start};

  BOOST_TEST((time.at(start, wall) == wall - 8 * day));
  BOOST_TEST((time.at(start + 1h, wall + 1h) == wall - 8 * day + 2h));
  BOOST_TEST((time.at(start + 8 * day, wall + 8 * day) == wall + 8 * day));
}

// A database is made in the moment in which the wall clock is wrong.
BOOST_AUTO_TEST_CASE(on_trial_it_goes_back_with_a_wall_clock_that_is_put_right) {
  settled_time time{wall + 5'000 * day, start, 7 * day};

  BOOST_TEST((time.at(start + 1min, wall + 1min) == wall + 1min));
  BOOST_TEST(time.is_on_trial());
  BOOST_TEST((time.at(start + 7 * day, wall + 7 * day) == wall + 7 * day));
  BOOST_TEST(!time.is_on_trial());
}

BOOST_AUTO_TEST_CASE(a_trial_goes_on_where_it_was_written_down) {
  settled_time before{wall, start, 7 * day};
  (void)before.at(start + 6 * day, wall + 6 * day);
  settled_time after{wall + 6 * day, start, before.trial()};

  (void)after.at(start + 23h, wall + 7 * day);
  BOOST_TEST(after.is_on_trial());
  (void)after.at(start + 24h, wall + 7 * day);
  BOOST_TEST(!after.is_on_trial());
}

BOOST_AUTO_TEST_CASE(on_trial_too_a_jump_ahead_moves_it_by_no_more_than_it_lasts) {
  settled_time time{wall, start, 7 * day};

  BOOST_TEST((time.at(start + 1h, wall + 30 * day) == wall + 2h));
  // Nor does a last look that is wrong end the trial with it.
  BOOST_TEST((time.at(start + 7 * day, wall + 300 * day) <= wall + 14 * day));
}

BOOST_AUTO_TEST_CASE(on_trial_a_jump_back_is_made_good_when_the_clock_is_right_again) {
  settled_time time{wall, start, 7 * day};

  BOOST_TEST((time.at(start + 1h, wall - 9'000 * day) == wall - 9'000 * day));
  BOOST_TEST((time.highest() >= wall + 30min));
  BOOST_TEST((time.at(start + 2h, wall + 2h) >= wall + 90min));
}

BOOST_AUTO_TEST_CASE(it_never_goes_back) {
  settled_time time{wall, start};
  const wall_time before = time.at(start + 1h, wall + 1h);

  BOOST_TEST((time.at(start, wall) >= before));
  BOOST_TEST((time.at(start + 1h, wall - 30 * day) >= before));
}

BOOST_AUTO_TEST_SUITE_END()
