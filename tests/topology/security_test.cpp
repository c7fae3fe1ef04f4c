#include "topology/security.hpp"

#include "tests/topology/topology_fixture.hpp"

#include <boost/test/unit_test.hpp>

namespace utf = boost::unit_test;

namespace troupe::topology {

namespace {

/// `good` with this endpoint of b1 and these lines at its end.
std::string with(const std::string& broker, const std::string& more) {
  std::string text = topology_fixture::good_with("{listen: \"tcp://127.0.0.1:5550\"}", broker);
  return text + more;
}

constexpr auto local = "{listen: \"tcp://127.0.0.1:5550\"}";
constexpr auto open = "{listen: \"tcp://127.0.0.1:5550\", open: \"tcp://127.0.0.1:5560\"}";

/// Whose capabilities need no right of their own.
struct security_fixture : topology_fixture {
  security_fixture() { types[1].calls.clear(); }
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(
    topology_security, security_fixture, *utf::label("unit") * utf::timeout(60))

BOOST_AUTO_TEST_CASE(without_the_section_links_have_no_keys) {
  BOOST_TEST(!plan_of(good).security);
}

BOOST_AUTO_TEST_CASE(an_empty_section_is_enough) {
  const plan made = plan_of(with(local, "security: {}\n"));

  BOOST_REQUIRE(made.security);
  BOOST_TEST(made.security->keys == "shops/one/keys");
  BOOST_TEST((made.security->clients == plain_clients::refused));
}

BOOST_AUTO_TEST_CASE(a_folder_starts_at_the_file_s) {
  BOOST_TEST(plan_of(with(local, "security: {keys: ../all/}\n")).security->keys == "shops/all/");
  BOOST_TEST(plan_of(with(local, "security: {keys: /etc/keys}\n")).security->keys == "/etc/keys");
  check_only_fault(with(local, "security: {keys: \"\"}\n"), {14, 18}, "names no folder");
}

BOOST_AUTO_TEST_CASE(plain_clients_have_an_endpoint_of_their_own) {
  const plan made = plan_of(with(open, "security: {clients: open}\n"));

  BOOST_TEST((made.security->clients == plain_clients::open));
  BOOST_TEST(made.brokers[0].open == "tcp://127.0.0.1:5560");
  check_only_fault(
      with(local, "security: {clients: open}\n"), {14, 11}, "no broker says where", "open:");
  check_only_fault(with(open, "security: {}\n"), {4, 3}, "without keys", "`clients: open`");
  check_only_fault(with(open, ""), {4, 3}, "without keys", "`listen`");
  check_only_fault(
      with(local, "security: {clients: all}\n"),
      {14, 21},
      "`clients` of security is `all`",
      "open");
}

BOOST_AUTO_TEST_CASE(plain_clients_stay_on_loopback) {
  check_only_fault(
      with(
          "{listen: \"tcp://127.0.0.1:5550\", open: \"tcp://10.0.0.1:5560\"}",
          "security: {clients: open}\n"),
      {4, 46},
      "`open` of broker `b1`",
      "127.0.0.1");
}

BOOST_AUTO_TEST_CASE(with_keys_a_broker_listens_where_others_reach_it) {
  BOOST_TEST(
      plan_of(with("{listen: \"tcp://10.0.0.1:5550\"}", "security: {}\n")).brokers[0].listen
      == "tcp://10.0.0.1:5550");
  plan_of(with("{listen: \"tcp://[fd00::1]:5550\"}", "security: {}\n"));
  for (const auto* all : {"tcp://0.0.0.0:5550", "tcp://[::]:5550"}) {
    check_only_fault(
        with(fmt::format("{{listen: \"{}\"}}", all), "security: {}\n"),
        {4, 16},
        "is a wildcard address",
        "by which the other hosts reach it");
  }
  check_only_fault(
      with("{listen: \"tcp://broker:5550\"}", "security: {}\n"), {4, 16}, "no address", "");
}

BOOST_AUTO_TEST_CASE(a_broker_on_loopback_serves_its_own_host_alone) {
  const auto on_hosts = [](const std::string& broker) {
    std::string text = with(broker, "security: {}\n");
    text.replace(text.find("n2: {host: here}"), 16, "n2: {host: beta}");
    text.replace(text.find("users: {replicas: 2}"), 20, "users: {nodes: [n1]}");
    text.replace(text.find("[n1, n2]"), 8, "[n1]");
    return text;
  };

  check_only_fault(
      on_hosts(local),
      {4, 3},
      "where node `n2` on host `beta` cannot reach it",
      "other hosts reach");
  plan_of(on_hosts("{listen: \"tcp://10.0.0.1:5550\"}"));
}

BOOST_AUTO_TEST_CASE(brokers_of_two_hosts_may_use_one_port) {
  std::string text = with(
      "{host: alpha, listen: \"tcp://10.0.0.1:5550\", admin: \"127.0.0.1:9101\"}\n  b2: {host: "
      "beta, "
      "listen: \"tcp://10.0.0.2:5550\", admin: \"127.0.0.1:9101\"}",
      "security: {}\n");

  BOOST_TEST(plan_of(text).brokers[1].host == "beta");
}

BOOST_AUTO_TEST_CASE(nobody_has_the_name_of_who_gives_commands) {
  std::string text = with(local, "security: {}\n");
  text.replace(text.find("n2: {host: here}"), 16, "operator: {}");
  text.replace(text.find("[n1, n2]"), 8, "[n1]");

  check_only_fault(text, {7, 3}, "`operator` names a person", "rename");

  // Its rights would be those of whoever has no key.
  text.replace(text.find("operator"), 8, "anonymous");
  check_only_fault(text, {7, 3}, "`anonymous` names a peer without a key", "rename");
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::topology
