#include "runtime/gateway/token_bucket.hpp"

#include "runtime/gateway/client_rates.hpp"

#include <boost/test/unit_test.hpp>

#include <fmt/format.h>

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

// A network of IPv6 is enough: it has as many /64s as a gateway remembers clients.
BOOST_AUTO_TEST_CASE(a_crowd_takes_nothing_from_those_who_come_once_it_is_gone) {
  using namespace std::chrono_literals;
  client_rates rates{{.requests = 1, .within = 60'000ms, .burst = 1}};
  const instant start{1h};
  for (std::size_t i = 0; i < client_rates::clients_max + 5'000; ++i) {
    const instant::duration wait =
        rates.take(fmt::format("2001:db8:{:x}:{:x}::1", i >> 16, i & 0xffff), start);
    BOOST_REQUIRE((wait == 0ns) == (i <= client_rates::clients_max));
  }

  const instant later = start + 1h;
  BOOST_TEST((rates.take("192.0.2.1", later) == 0ns));
  BOOST_TEST((rates.take("192.0.2.2", later) == 0ns));
  BOOST_TEST((rates.take("192.0.2.1", later) == 60s));
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::gateway
