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

BOOST_AUTO_TEST_CASE(it_never_goes_back) {
  settled_time time{wall, start};
  const wall_time before = time.at(start + 1h, wall + 1h);

  BOOST_TEST((time.at(start, wall) >= before));
  BOOST_TEST((time.at(start + 1h, wall - 30 * day) >= before));
}

BOOST_AUTO_TEST_SUITE_END()
