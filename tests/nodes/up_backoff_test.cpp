#include "nodes/commands/up/backoff.hpp"

#include <boost/test/unit_test.hpp>

using namespace std::chrono_literals;
using troupe::restart_backoff;
using troupe::wait_before_restart;

BOOST_AUTO_TEST_SUITE(
    nodes_command_up_backoff, *boost::unit_test::label("unit") * boost::unit_test::timeout(30))

BOOST_AUTO_TEST_CASE(the_wait_doubles_up_to_its_bound) {
  unsigned deaths = 0;

  for (const auto expected : {50ms, 100ms, 200ms, 400ms, 800ms, 1600ms, 3200ms, 5000ms, 5000ms}) {
    BOOST_TEST(wait_before_restart(restart_backoff{}, 1ms, deaths, 0).count() == expected.count());
  }
}

BOOST_AUTO_TEST_CASE(a_life_long_enough_forgives_what_was_before) {
  unsigned deaths = 6;

  BOOST_TEST(wait_before_restart(restart_backoff{}, 999ms, deaths, 0).count() == 3200);
  BOOST_TEST(wait_before_restart(restart_backoff{}, 1'000ms, deaths, 0).count() == 50);
  BOOST_TEST(wait_before_restart(restart_backoff{}, 0ms, deaths, 0).count() == 100);
}

BOOST_AUTO_TEST_CASE(the_random_part_is_at_most_a_quarter_and_never_exceeds_the_bound) {
  for (std::uint64_t random = 0; random < 5000; ++random) {
    unsigned deaths = 3;
    const auto wait = wait_before_restart(restart_backoff{}, 0ms, deaths, random * 0x9e3779b9U);
    BOOST_REQUIRE(wait >= 400ms);
    BOOST_REQUIRE(wait <= 500ms);
    deaths = 4'000'000'000U;
    BOOST_REQUIRE(wait_before_restart(restart_backoff{}, 0ms, deaths, random) == 5000ms);
  }
}

BOOST_AUTO_TEST_SUITE_END()
