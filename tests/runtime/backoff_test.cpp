#include "runtime/backoff.hpp"

#include <boost/test/unit_test.hpp>

namespace utf = boost::unit_test;
using namespace troupe;
using namespace std::chrono_literals;

BOOST_AUTO_TEST_SUITE(runtime_backoff, *utf::label("unit") * utf::timeout(5))

BOOST_AUTO_TEST_CASE(a_wait_doubles_with_each_failure_up_to_the_most) {
  BOOST_TEST((backoff_after(1, 20ms, 100ms) == 20ms));
  BOOST_TEST((backoff_after(2, 20ms, 100ms) == 40ms));
  BOOST_TEST((backoff_after(3, 20ms, 100ms) == 80ms));
  BOOST_TEST((backoff_after(4, 20ms, 100ms) == 100ms));
  BOOST_TEST((backoff_after(std::uint64_t{1} << 40, 20ms, 100ms) == 100ms));
}

BOOST_AUTO_TEST_CASE(no_wait_stays_no_wait) {
  BOOST_TEST((backoff_after(std::uint64_t{1} << 40, 0ms, 100ms) == 0ms));
}

BOOST_AUTO_TEST_CASE(jitter_only_adds_and_by_its_share_at_most) {
  jitter spread{7};
  bool differs = false;
  for (int i = 0; i < 100; ++i) {
    const auto wait = spread.stretch(100ms, 0.5);
    BOOST_TEST((wait >= 100ms && wait < 150ms));
    differs = differs || wait != spread.stretch(100ms, 0.5);
  }
  BOOST_TEST(differs);
}

BOOST_AUTO_TEST_CASE(the_same_seed_gives_the_same_waits) {
  jitter one{7};
  jitter other{7};

  BOOST_TEST((one.stretch(1s, 0.2) == other.stretch(1s, 0.2)));
}

BOOST_AUTO_TEST_SUITE_END()
