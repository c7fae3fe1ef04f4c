#include "runtime/http/admission.hpp"

#include <boost/test/unit_test.hpp>

namespace utf = boost::unit_test;

namespace troupe::http {

BOOST_AUTO_TEST_SUITE(runtime_http_admission, *utf::label("unit") * utf::timeout(5))

BOOST_AUTO_TEST_CASE(one_address_cannot_have_all) {
  admission door{{.all = 3, .per_address = 2}};

  BOOST_TEST((door.enter("10.0.0.1") == admission::answer::admitted));
  BOOST_TEST((door.enter("10.0.0.1") == admission::answer::admitted));
  BOOST_TEST((door.enter("10.0.0.1") == admission::answer::too_many_of_address));
  BOOST_TEST((door.enter("10.0.0.2") == admission::answer::admitted));
  BOOST_TEST((door.enter("10.0.0.3") == admission::answer::too_many));

  door.leave("10.0.0.1");

  BOOST_TEST((door.enter("10.0.0.1") == admission::answer::admitted));
  BOOST_TEST(door.count() == 3U);
}

// A machine with IPv6 has 2^64 addresses.
BOOST_AUTO_TEST_CASE(a_network_of_ipv6_counts_as_one_address) {
  BOOST_TEST(counted_as("2001:db8:1:2:3:4:5:6") == counted_as("2001:db8:1:2::9"));
  BOOST_TEST(counted_as("2001:db8:1:2::9") != counted_as("2001:db8:1:3::9"));
  BOOST_TEST(counted_as("fe80::1%eth0") == counted_as("fe80::2%eth0"));
  BOOST_TEST(counted_as("10.0.0.1") == "10.0.0.1");
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::http
