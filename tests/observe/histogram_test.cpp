#include "runtime/observe/histogram.hpp"

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <ctime>
#include <iostream>
#include <thread>

namespace utf = boost::unit_test;

namespace troupe::observe {

namespace {

using namespace std::chrono_literals;

std::chrono::nanoseconds computed() {
  timespec spent{};
  (void)::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &spent);
  return std::chrono::seconds{spent.tv_sec} + std::chrono::nanoseconds{spent.tv_nsec};
}

} // namespace

BOOST_AUTO_TEST_SUITE(runtime_observe_histogram, *utf::label("unit") * utf::timeout(10))

BOOST_AUTO_TEST_CASE(a_bound_belongs_to_its_bucket_and_one_nanosecond_more_to_the_next) {
  for (std::size_t i = 0; i < histogram::bounds; ++i) {
    histogram taken;
    taken.record(histogram::bound(i));
    BOOST_TEST(taken.in(i) == 1, "bucket " << i);
    taken.record(histogram::bound(i) + 1ns);
    BOOST_TEST(taken.in(i + 1) == 1, "bucket " << i + 1);
  }
}

BOOST_AUTO_TEST_CASE(nothing_and_less_are_in_the_first_bucket_and_add_nothing) {
  histogram taken;
  taken.record(0ns);
  taken.record(-5s);
  BOOST_TEST(taken.in(0) == 2);
  BOOST_TEST(taken.sum().count() == 0);
}

BOOST_AUTO_TEST_CASE(two_are_added_bucket_by_bucket) {
  histogram sum;
  histogram other;
  sum.record(15us);
  other.record(15us);
  other.record(24h);
  sum.add(other);
  BOOST_TEST(sum.in(1) == 2);
  BOOST_TEST(sum.in(histogram::bounds) == 1);
  BOOST_TEST(sum.count() == 3);
  BOOST_TEST((sum.sum() == 24h + 30us));
}

// A reader beside the one writer sees counts that only rise, and all of them in the end.
BOOST_AUTO_TEST_CASE(it_can_be_read_while_it_is_written) {
  constexpr std::uint64_t all = 100'000;
  histogram live;
  std::thread writer{[&] {
    for (std::uint64_t i = 0; i < all; ++i) {
      live.record(std::chrono::nanoseconds{i * 100});
    }
  }};
  std::uint64_t last = 0;
  bool rises = true;
  while (last < all) {
    const histogram reading = live;
    rises = rises && reading.count() >= last;
    last = reading.count();
  }
  writer.join();
  BOOST_TEST(rises);
  BOOST_TEST(last == all);
}

// What a call pays for a histogram. A locked addition alone takes five times as long; the bound is
// for sanitizers and busy machines.
BOOST_AUTO_TEST_CASE(a_record_costs_nanoseconds) {
  constexpr std::int64_t all = 2'000'000;
  histogram taken;
  const auto began = computed();
  for (std::int64_t i = 0; i < all; ++i) {
    taken.record(std::chrono::nanoseconds{(i & 0xffff) << 6});
  }
  const auto each = static_cast<double>((computed() - began).count()) / all;
  std::cout << "histogram: " << each << " ns a record\n";
  BOOST_TEST(taken.count() == static_cast<std::uint64_t>(all));
  BOOST_TEST(each < 200);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::observe
