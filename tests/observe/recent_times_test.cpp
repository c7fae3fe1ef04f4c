#include "runtime/observe/recent_times.hpp"

#include <boost/test/unit_test.hpp>

namespace utf = boost::unit_test;

namespace troupe::observe {

namespace {

using namespace std::chrono_literals;

constexpr instant start{1'000h};

BOOST_AUTO_TEST_SUITE(runtime_observe_recent_times, *utf::label("unit") * utf::timeout(5))

BOOST_AUTO_TEST_CASE(ninety_nine_of_a_hundred_are_below_it) {
  histogram taken;
  for (int i = 0; i < 980; ++i) {
    taken.record(15us);
  }
  for (int i = 0; i < 20; ++i) {
    taken.record(3ms);
  }

  // 10 of the 20 that are between 2.56 ms and 5.12 ms: half way.
  BOOST_TEST(quantile(0.99, histogram{}, taken)->count() == 3'840);
  BOOST_TEST(quantile(0.5, histogram{}, taken)->count() < 20);
  BOOST_TEST(!quantile(0.99, taken, taken).has_value());
}

BOOST_AUTO_TEST_CASE(what_is_above_all_bounds_is_told_as_the_highest) {
  histogram taken;
  taken.record(1h);

  BOOST_TEST((quantile(0.99, histogram{}, taken) == histogram::bound(histogram::bounds - 1)));
}

BOOST_AUTO_TEST_CASE(only_the_last_minute_counts) {
  recent_times recent;
  histogram taken;
  BOOST_TEST(!recent.p99(taken).has_value());
  recent.note(taken, start);
  taken.record(5s);
  BOOST_TEST((*recent.p99(taken) > 4s));

  for (int i = 1; i <= 7; ++i) {
    const instant now = start + i * recent_times::interval;
    BOOST_TEST(recent.is_due(now));
    BOOST_TEST(!recent.is_due(now - 1ms));
    taken.record(15us);
    recent.note(taken, now);
  }

  BOOST_TEST((*recent.p99(taken) < 1ms));
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace

} // namespace troupe::observe
