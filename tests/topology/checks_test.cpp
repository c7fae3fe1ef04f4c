#include "topology/checks.hpp"

#include "tests/topology/topology_fixture.hpp"

#include <boost/test/unit_test.hpp>

namespace utf = boost::unit_test;

namespace troupe::topology {

BOOST_FIXTURE_TEST_SUITE(topology_checks, topology_fixture, *utf::label("unit") * utf::timeout(60))

BOOST_AUTO_TEST_CASE(two_brokers_cannot_listen_on_one_endpoint) {
  check_only_fault(
      good_with("nodes:", "  b2: {listen: \"tcp://localhost:5550\"}\nnodes:"),
      {5, 16},
      "broker `b1` and broker `b2` both listen on tcp://localhost:5550",
      "its own port");
  plan_of(good_with("nodes:", "  b2: {listen: \"tcp://127.0.0.1:5551\"}\nnodes:"));
}

BOOST_AUTO_TEST_CASE(a_malformed_endpoint_is_a_fault_where_it_stands) {
  for (const auto* listen :
       {"ipc:///tmp/b", "tcp://*:5550", "tcp://127.0.0.1:*", "tcp://127.0.0.1"}) {
    check_only_fault(good_with("tcp://127.0.0.1:5550", listen), {4, 16}, "`listen` of broker `b1`");
  }
}

BOOST_AUTO_TEST_CASE(nothing_outside_loopback_is_bound) {
  check_only_fault(
      good_with("127.0.0.1", "0.0.0.0"),
      {4, 16},
      "anybody who reaches the port is trusted",
      "`security:`");
}

BOOST_AUTO_TEST_CASE(an_admin_address_is_of_loopback_and_of_one_process) {
  const auto with_admin = [](const std::string& address) {
    return good_with("n1: {host: here}", "n1: {host: here, admin: \"" + address + "\"}");
  };
  check_only_fault(
      with_admin("0.0.0.0:9101"), {6, 27}, "`admin` of node `n1` (0.0.0.0:9101)", "127.0.0.1");
  check_only_fault(with_admin("http://localhost:9101"), {6, 27}, "`admin`", "write HOST:PORT");
  check_only_fault(
      with_admin("localhost:5550"),
      {6, 27},
      "broker `b1` and node `n1` both listen on localhost:5550",
      "its own port");
  BOOST_TEST(plan_of(with_admin("127.0.0.1:9101")).nodes[0].admin == "127.0.0.1:9101");
}

BOOST_AUTO_TEST_CASE(a_broker_and_a_node_cannot_share_a_name) {
  std::string text = good_with("  n2: {host: here}\n", "  n2: {host: here}\n  b1: {host: here}\n");
  text.replace(text.find("replicas: 2"), 11, "nodes: [n1]");

  check_only_fault(text, {8, 3}, "`b1` names a broker and a node", "rename");
}

BOOST_AUTO_TEST_CASE(a_heartbeat_timeout_spans_three_intervals) {
  check_only_fault(
      good_and("heartbeat: {interval: 500ms, timeout: 1s}\n"),
      {14, 39},
      "less than three intervals of 500ms",
      "raise `timeout` to 1500ms");
  check_only_fault(
      good_and("heartbeat: {interval: 300ms}\n"), {14, 23}, "a timeout of 800ms", "900ms");
  plan_of(good_and("heartbeat: {interval: 500ms, timeout: 1500ms}\n"));
}

BOOST_AUTO_TEST_CASE(full_queues_must_fit_into_the_memory_allowed) {
  // users and orders: (64 x 2 + 100) bodies each, of 1 MiB.
  check_only_fault(
      good_and("limits: {memory: 455MiB}\n"),
      {14, 18},
      "full queues would need 456MiB at the broker",
      "raise `limits.memory` to 456MiB");
  plan_of(good_and("limits: {memory: 456MiB}\n"));
}

BOOST_AUTO_TEST_CASE(each_subscriber_needs_room_for_its_largest_event) {
  const std::string subscribed =
      good_with("users: {replicas: 2}", "users: {replicas: 2, subscribes: [a.*]}");
  check_only_fault(
      subscribed + "limits: {memory: 457MiB}\n",
      {14, 18},
      "subscribers need 1.1MiB at the broker, an event of `limits.body` (1MiB) and 64KiB each; "
      "beside full queues, which need 456MiB",
      "raise `limits.memory` to 458MiB");
  plan_of(subscribed + "limits: {memory: 458MiB}\n");
}

BOOST_AUTO_TEST_CASE(the_largest_share_of_the_memory_is_named) {
  check_only_fault(
      good_with("users: {replicas: 2}", "users: {replicas: 2, bulkhead: {queue: 10000}}"),
      {12, 3},
      "the largest share is 9.9GiB of capability `users`",
      "lower `limits.body` or the `bulkhead` of `users`");
}

BOOST_AUTO_TEST_CASE(nothing_is_concluded_from_sizes_that_are_faults_themselves) {
  const std::string wants_much =
      good_with("users: {replicas: 2}", "users: {replicas: 2, bulkhead: {queue: 10000}}");
  check_only_fault(wants_much + "limits: {body: 64kb}\n", {14, 16}, "`body` of limits");
  check_only_fault(
      good_with("users: {replicas: 2}", "users: {bulkhead: {queue: 10000, events: 0}}"),
      {12, 44},
      "`events` of bulkhead of capability `users`");
  check_only_fault(
      good_with("queue: 100}", "queue: 10000, in_flght: 1}"),
      {10, 43},
      "unknown key `in_flght` in bulkhead of defaults");
}

BOOST_AUTO_TEST_CASE(the_default_limits_hold_seven_default_capabilities) {
  std::string more;
  for (int i = 3; i <= 7; ++i) {
    more += fmt::format("  users{}: {{actor: users}}\n", i);
  }
  const std::string seven =
      good_with("defaults:\n  bulkhead: {in_flight: 64, queue: 100}\n", "") + more;

  BOOST_TEST(plan_of(seven).capabilities.size() == 7U);
  BOOST_TEST(faults_of(seven + "  users8: {actor: users}\n").size() == 1U);
}

BOOST_AUTO_TEST_CASE(two_capabilities_cannot_share_a_database) {
  check_only_fault(
      good_with("{capability}", "shop"),
      {13, 3},
      "capabilities `users` and `orders` share the database sqlite:shops/one/data/shop.db",
      "{capability}");
  check_only_fault(
      good_with("replicas: 3", "replicas: 3, store: 'sqlite:./data/users.db'"),
      {13, 47},
      "share the database sqlite:shops/one/data/users.db");
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::topology
