#include "runtime/gateway/token_bucket.hpp"

#include <boost/test/unit_test.hpp>

namespace utf = boost::unit_test;

namespace troupe::gateway {

BOOST_AUTO_TEST_SUITE(runtime_gateway_token_bucket, *utf::label("unit") * utf::timeout(5))

BOOST_AUTO_TEST_CASE(a_burst_is_let_through_and_then_the_rate) {
  using namespace std::chrono_literals;
  const rate under{.requests = 10, .within = 1'000ms, .burst = 3};
  const instant start{1h};
  token_bucket bucket;

  for (int i = 0; i < 3; ++i) {
    BOOST_TEST((bucket.take(under, start) == 0ns));
  }
  BOOST_TEST((bucket.take(under, start) == 100ms));
  BOOST_TEST((bucket.take(under, start + 40ms) == 60ms));
  BOOST_TEST((bucket.take(under, start + 100ms) == 0ns));
  BOOST_TEST((bucket.take(under, start + 100ms) == 100ms));
  BOOST_TEST(!bucket.is_full(start + 399ms));
  BOOST_TEST(bucket.is_full(start + 400ms));

  int taken = 0;
  for (auto at = start + 1s; at < start + 11s; at += 1ms) {
    taken += bucket.take(under, at) == 0ns ? 1 : 0;
  }
  BOOST_TEST(taken == 102); // The burst, and ten in each of ten seconds, but for the first moment.
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::gateway
