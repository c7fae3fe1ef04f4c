#include "topology/plan.hpp"

#include <boost/test/unit_test.hpp>

#include <set>

namespace utf = boost::unit_test;

namespace troupe::topology {

namespace {

capability_plan placed(int replicas, std::vector<node_name> nodes) {
  capability_plan capability;
  capability.name = capability_name{"orders"};
  capability.replicas = replicas;
  capability.nodes = std::move(nodes);
  return capability;
}

} // namespace

BOOST_AUTO_TEST_SUITE(topology_plan, *utf::label("unit") * utf::timeout(30))

BOOST_AUTO_TEST_CASE(replicas_are_dealt_to_the_nodes_in_turn) {
  const auto orders = placed(5, {node_name{"n1"}, node_name{"n2"}});

  BOOST_TEST((orders.replicas_on(node_name{"n1"}) == std::vector{0, 2, 4}));
  BOOST_TEST((orders.replicas_on(node_name{"n2"}) == std::vector{1, 3}));
  BOOST_TEST(orders.replicas_on(node_name{"n3"}).empty());
}

BOOST_AUTO_TEST_CASE(each_replica_runs_on_exactly_one_node) {
  for (int replicas = 3; replicas < 20; ++replicas) {
    const auto orders = placed(replicas, {node_name{"n1"}, node_name{"n2"}, node_name{"n3"}});
    std::multiset<int> all;
    for (const node_name& node : orders.nodes) {
      for (const int number : orders.replicas_on(node)) {
        all.insert(number);
      }
    }

    BOOST_TEST(all.size() == static_cast<std::size_t>(replicas));
    BOOST_TEST(*all.begin() == 0);
    BOOST_TEST(*all.rbegin() == replicas - 1);
  }
}

BOOST_AUTO_TEST_CASE(what_is_not_in_the_plan_is_not_found) {
  plan whole;
  whole.capabilities.push_back(placed(1, {node_name{"n1"}}));
  whole.nodes.push_back({.name = node_name{"n1"}, .host = "here", .at = {}});

  BOOST_TEST(whole.find(capability_name{"orders"}) == &whole.capabilities[0]);
  BOOST_TEST(whole.find(capability_name{"users"}) == nullptr);
  BOOST_TEST(whole.find(node_name{"n1"}) == &whole.nodes[0]);
  BOOST_TEST(whole.find(node_name{"n2"}) == nullptr);
}

BOOST_AUTO_TEST_CASE(full_queues_hold_what_waits_and_what_each_node_has_in_hand) {
  auto orders = placed(2, {node_name{"n1"}, node_name{"n2"}});
  orders.bulkhead = {.in_flight = 10, .queue = 100};

  BOOST_TEST(queue_bytes_max(orders, 1'000) == 120'000U);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::topology
