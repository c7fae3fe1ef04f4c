#include "runtime/gateway/client_address.hpp"

#include <boost/test/unit_test.hpp>

namespace utf = boost::unit_test;

namespace troupe::gateway {

namespace {

http::request from(std::string peer, std::vector<std::string> forwarded_for) {
  http::request made;
  made.peer.host = std::move(peer);
  for (std::string& each : forwarded_for) {
    made.fields.emplace_back("x-forwarded-for", std::move(each));
  }
  return made;
}

const std::vector<std::string> proxies{"10.0.0.1", "10.0.0.2", "fd00::1"};

} // namespace

BOOST_AUTO_TEST_SUITE(runtime_gateway_client_address, *utf::label("unit") * utf::timeout(5))

BOOST_AUTO_TEST_CASE(whoever_is_no_proxy_is_the_client_whatever_it_says) {
  BOOST_TEST(client_address(from("192.0.2.1", {"198.51.100.7"}), proxies) == "192.0.2.1");
  BOOST_TEST(client_address(from("192.0.2.1", {"10.0.0.1"}), {}) == "192.0.2.1");
}

BOOST_AUTO_TEST_CASE(the_client_is_the_last_that_is_no_proxy) {
  BOOST_TEST(client_address(from("10.0.0.1", {"198.51.100.7"}), proxies) == "198.51.100.7");
  BOOST_TEST(
      client_address(from("10.0.0.1", {"1.2.3.4, 198.51.100.7, 10.0.0.2"}), proxies)
      == "198.51.100.7");
  BOOST_TEST(
      client_address(from("fd00::1", {"1.2.3.4", "198.51.100.7", "10.0.0.2"}), proxies)
      == "198.51.100.7");
  BOOST_TEST(client_address(from("10.0.0.1", {"2001:DB8:0::7"}), proxies) == "2001:db8::7");
}

BOOST_AUTO_TEST_CASE(ports_beside_addresses_are_left_out) {
  BOOST_TEST(client_address(from("10.0.0.1", {"198.51.100.7:4711"}), proxies) == "198.51.100.7");
  BOOST_TEST(client_address(from("10.0.0.1", {"[2001:db8::7]:4711"}), proxies) == "2001:db8::7");
  BOOST_TEST(client_address(from("10.0.0.1", {"[2001:db8::7]"}), proxies) == "2001:db8::7");
  BOOST_TEST(client_address(from("10.0.0.1", {"::ffff:198.51.100.7"}), proxies) == "198.51.100.7");
}

BOOST_AUTO_TEST_CASE(what_is_no_address_is_never_a_client) {
  BOOST_TEST(client_address(from("10.0.0.1", {}), proxies) == "10.0.0.1");
  BOOST_TEST(client_address(from("10.0.0.1", {"unknown"}), proxies) == "10.0.0.1");
  BOOST_TEST(client_address(from("10.0.0.1", {"1.2.3.4, [, 10.0.0.2"}), proxies) == "10.0.0.2");
  BOOST_TEST(client_address(from("10.0.0.1", {"10.0.0.2, 10.0.0.2"}), proxies) == "10.0.0.2");
}

BOOST_AUTO_TEST_CASE(a_listed_proxy_says_whether_the_client_came_over_tls) {
  const auto uses_tls = [](std::string peer, const std::string& said, bool has_tls = false) {
    http::request made = from(std::move(peer), {});
    made.peer.uses_tls = has_tls;
    if (!said.empty()) {
      made.fields.emplace_back("x-forwarded-proto", said);
    }
    return client_uses_tls(made, proxies);
  };

  BOOST_TEST(uses_tls("10.0.0.1", "https"));
  BOOST_TEST(uses_tls("10.0.0.1", "http, HTTPS"));
  BOOST_TEST(!uses_tls("10.0.0.1", "https, http", true));
  BOOST_TEST(!uses_tls("192.0.2.1", "https"));
  BOOST_TEST(uses_tls("192.0.2.1", "http", true));
  BOOST_TEST(!uses_tls("10.0.0.1", ""));
  BOOST_TEST(uses_tls("10.0.0.1", "ws", true));
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::gateway
