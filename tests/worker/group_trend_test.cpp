#include "runtime/worker/group_trend.hpp"

#include <boost/test/unit_test.hpp>

namespace utf = boost::unit_test;

namespace troupe {

namespace {

using namespace std::chrono_literals;

constexpr instant start{1'000h};

wire::group_status described(const group_trend& trend, std::uint64_t answered, instant now) {
  wire::group_status said;
  said.answered = answered;
  trend.describe(said, now);
  return said;
}

BOOST_AUTO_TEST_SUITE(runtime_worker_group_trend, *utf::label("unit") * utf::timeout(5))

BOOST_AUTO_TEST_CASE(the_rate_is_that_of_the_last_minute) {
  group_trend trend;
  for (int second = 0; second <= 600; ++second) {
    const auto handled = static_cast<std::uint64_t>(second < 300 ? second * 100 : 30'000);
    trend.take({.handled = handled}, start + std::chrono::seconds{second});

    if (second == 299) {
      BOOST_TEST(
          *described(trend, handled, start + 299s).rate_per_s == 100.0,
          boost::test_tools::tolerance(0.01));
    }
  }

  BOOST_TEST(*described(trend, 30'000, start + 600s).rate_per_s == 0.0);
}

BOOST_AUTO_TEST_CASE(there_is_no_rate_before_a_second_is_over) {
  group_trend trend;
  BOOST_TEST(!described(trend, 7, start).rate_per_s.has_value());

  trend.take({.handled = 0}, start);

  BOOST_TEST(!described(trend, 7, start + 10ms).rate_per_s.has_value());
  BOOST_TEST(
      *described(trend, 8, start + 4s).rate_per_s == 2.0, boost::test_tools::tolerance(0.01));
}

BOOST_AUTO_TEST_CASE(what_is_wrong_is_so_since_it_was_seen_first) {
  group_trend trend;
  trend.take({}, start);
  trend.take({.is_down = true}, start + 1s);
  trend.take({.is_down = true, .is_open = true}, start + 2s);

  const auto said = described(trend, 0, start + 5s);

  BOOST_TEST(*said.down_ms == 4'000U);
  BOOST_TEST(*said.breaker_open_ms == 3'000U);
  BOOST_TEST(!said.outbox_stopped_ms.has_value());
  trend.take({.is_outbox_stopped = true}, start + 6s);
  BOOST_TEST(!described(trend, 0, start + 6s).down_ms.has_value());
  BOOST_TEST(*described(trend, 0, start + 6s).outbox_stopped_ms == 0U);
}

BOOST_AUTO_TEST_CASE(an_outbox_waits_since_its_last_confirmation) {
  group_trend trend;
  trend.take({.outbox_newest = 5, .outbox_confirmed = 5}, start);
  trend.take({.outbox_newest = 6, .outbox_confirmed = 5}, start + 1s);
  trend.take({.outbox_newest = 9, .outbox_confirmed = 5}, start + 8s);
  BOOST_TEST(*described(trend, 0, start + 9s).outbox_waits_ms == 8'000U);

  trend.take({.outbox_newest = 9, .outbox_confirmed = 6}, start + 10s);
  BOOST_TEST(*described(trend, 0, start + 10s).outbox_waits_ms == 0U);

  trend.take({.outbox_newest = 9, .outbox_confirmed = 9}, start + 11s);
  BOOST_TEST(!described(trend, 0, start + 11s).outbox_waits_ms.has_value());
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace

} // namespace troupe
