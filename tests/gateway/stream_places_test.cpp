#include "runtime/gateway/stream_places.hpp"

#include <boost/test/unit_test.hpp>

#include <vector>

namespace utf = boost::unit_test;

namespace troupe::gateway {

BOOST_AUTO_TEST_SUITE(runtime_gateway_stream_places, *utf::label("unit") * utf::timeout(5))

// A machine with IPv6 has 2^64 addresses.
BOOST_AUTO_TEST_CASE(a_client_is_an_address_or_a_network_of_version_6) {
  stream_places all{2};
  std::vector<stream_places::place> kept;
  for (const char* each : {"2001:db8::1", "2001:db8::2", "192.0.2.1", "192.0.2.2"}) {
    kept.push_back(all.take(each));
    BOOST_TEST((kept.back() != nullptr), each);
  }

  BOOST_TEST((all.take("2001:db8::3") == nullptr));
  BOOST_TEST((all.take("2001:db8:0:1::3") != nullptr));
  BOOST_TEST((all.take("192.0.2.1") != nullptr));
}

BOOST_AUTO_TEST_CASE(a_place_that_is_left_is_free) {
  stream_places all{1};
  auto first = all.take("::1");
  BOOST_TEST((all.take("::1") == nullptr));

  auto moved = std::move(first);
  BOOST_TEST((all.take("::1") == nullptr));
  moved.reset();

  BOOST_TEST((all.take("::1") != nullptr));
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::gateway
