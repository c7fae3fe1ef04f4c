#include "topology/endpoint.hpp"

#include <boost/test/unit_test.hpp>

namespace utf = boost::unit_test;

namespace troupe::topology {

namespace {

endpoint good(std::string_view text) {
  const auto result = read_endpoint(text);
  BOOST_REQUIRE(std::holds_alternative<endpoint>(result));
  return std::get<endpoint>(result);
}

fault bad(std::string_view text) {
  auto result = read_endpoint(text);
  BOOST_REQUIRE_MESSAGE(std::holds_alternative<fault>(result), text << " must be refused");
  BOOST_TEST(!std::get<fault>(result).remedy.empty());
  return std::get<fault>(std::move(result));
}

bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

} // namespace

BOOST_AUTO_TEST_SUITE(topology_endpoint, *utf::label("unit") * utf::timeout(30))

BOOST_AUTO_TEST_CASE(loopback_addresses_with_a_port_are_read) {
  BOOST_TEST((good("tcp://127.0.0.1:5550") == endpoint{"127.0.0.1", 5550}));
  BOOST_TEST((good("tcp://127.3.2.1:1") == endpoint{"127.3.2.1", 1}));
  BOOST_TEST((good("tcp://[::1]:65535") == endpoint{"::1", 65535}));
}

BOOST_AUTO_TEST_CASE(two_spellings_of_one_place_are_equal) {
  BOOST_TEST((good("tcp://localhost:5550") == good("tcp://127.0.0.1:5550")));
  BOOST_TEST((good("tcp://[0:0:0:0:0:0:0:1]:5550") == good("tcp://[::1]:5550")));
}

BOOST_AUTO_TEST_CASE(other_transports_are_refused_by_name) {
  BOOST_TEST(contains(bad("ipc:///tmp/broker").what, "`ipc`"));
  BOOST_TEST(contains(bad("udp://127.0.0.1:5550").what, "`udp`"));
  BOOST_TEST(contains(bad("inproc://broker").what, "`inproc`"));
  BOOST_TEST(contains(bad("127.0.0.1:5550").what, "no transport"));
  bad("");
}

BOOST_AUTO_TEST_CASE(a_port_is_a_number_from_1_to_65535) {
  BOOST_TEST(contains(bad("tcp://127.0.0.1").what, "no port"));
  BOOST_TEST(contains(bad("tcp://[::1]").what, "no port"));
  BOOST_TEST(contains(bad("tcp://[:5550").what, "no port"));
  for (const auto* port : {"", "0", "65536", "*", "-1", "+1", "5550 ", "0x1", "99999999999"}) {
    BOOST_TEST(contains(bad(std::string{"tcp://127.0.0.1:"} + port).what, "has the port"));
  }
}

BOOST_AUTO_TEST_CASE(a_host_must_be_there_and_ipv6_stands_in_brackets) {
  BOOST_TEST(contains(bad("tcp://:5550").what, "no host"));
  BOOST_TEST(contains(bad("tcp://[]:5550").what, "no host"));
  BOOST_TEST(contains(bad("tcp://::1:5550").remedy, "brackets"));
}

// A link does not prove who is at its other end: everybody who reaches the port is trusted.
BOOST_AUTO_TEST_CASE(nothing_outside_loopback_may_be_bound) {
  for (const auto* host :
       {"*",
        "0.0.0.0",
        "192.168.1.5",
        "example.com",
        "[::]",
        "[fe80::1]",
        "127.0.0.1.evil.com",
        "128.0.0.1",
        "127.1",
        "[::ffff:127.0.0.1]"}) {
    const fault wrong = bad(std::string{"tcp://"} + host + ":5550");
    BOOST_TEST(contains(wrong.what, "outside loopback"));
    BOOST_TEST(contains(wrong.remedy, "`security:`"));
  }
}

BOOST_AUTO_TEST_CASE(an_admin_address_is_the_same_without_a_transport) {
  const auto read = read_admin_address("localhost:9101");
  BOOST_REQUIRE(std::holds_alternative<endpoint>(read));
  BOOST_TEST((std::get<endpoint>(read) == endpoint{"127.0.0.1", 9101}));
  BOOST_TEST(to_text({"::1", 9101}) == "[::1]:9101");
  for (const auto* text :
       {"http://127.0.0.1:9101", "tcp://127.0.0.1:9101", "9101", "127.0.0.1", "0.0.0.0:9101", ""}) {
    BOOST_TEST(std::holds_alternative<fault>(read_admin_address(text)), text);
  }
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::topology
