#include "topology/capability_checks.hpp"

#include "tests/topology/topology_fixture.hpp"

#include <boost/test/unit_test.hpp>

namespace utf = boost::unit_test;

namespace troupe::topology {

namespace {

using namespace std::chrono_literals;

} // namespace

BOOST_FIXTURE_TEST_SUITE(
    topology_capability_checks, topology_fixture, *utf::label("unit") * utf::timeout(60))

BOOST_AUTO_TEST_CASE(a_capability_must_be_placed_on_a_node) {
  check_only_fault(
      good_with("[n1, n2]", "[]"), {13, 47}, "capability `orders` is placed on no node", "all");
}

BOOST_AUTO_TEST_CASE(a_node_may_be_left_without_capability) {
  std::string spare = good_with("store:", "  n3: {host: here}\nstore:");
  spare.replace(spare.find("replicas: 2"), 11, "nodes: [n1]");

  BOOST_TEST(plan_of(spare).nodes.size() == 3U);
}

BOOST_AUTO_TEST_CASE(nodes_must_be_known_and_named_once) {
  check_only_fault(
      good_with("[n1, n2]", "[n1, n22]"),
      {13, 47},
      "`nodes` of capability `orders` names the unknown node `n22`",
      "did you mean `n2`?");
  check_only_fault(
      good_with("[n1, n2]", "[n1, london]"), {13, 47}, "unknown node `london`", "are n1, n2");
  check_only_fault(good_with("[n1, n2]", "[n1, n1]"), {13, 47}, "names `n1` twice", "replicas");
}

BOOST_AUTO_TEST_CASE(every_node_of_a_capability_runs_a_replica) {
  check_only_fault(
      good_with("replicas: 2", "replicas: 1"),
      {12, 21},
      "`replicas` of capability `users` is 1 for 2 nodes: node `n2` would run none",
      "raise `replicas` to 2");
}

BOOST_AUTO_TEST_CASE(a_sqlite_database_stays_on_one_host) {
  const std::string spread = good_with("n2: {host: here}", "n2: {host: attic}");
  const auto wrong = faults_of(spread);

  BOOST_REQUIRE(wrong.size() == 2U);
  BOOST_TEST((wrong[0].at == file_position{12, 3}));
  BOOST_TEST((wrong[1].at == file_position{13, 47}));
  BOOST_TEST(wrong[1].what.find("node `n1` on here, node `n2` on attic") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_capability_without_store_may_run_on_two_hosts) {
  types[0].wants_store = false;
  std::string spread = good_with("n2: {host: here}", "n2: {host: attic}");
  const std::string_view store = "\"sqlite:data/{capability}.db\"";
  spread.replace(spread.find(store), store.size(), "none");

  BOOST_TEST(plan_of(spread).nodes[1].host == "attic");
}

// Six restarts need five waits between them: 1 + 2 + 4 + 8 + 16 = 31 s.
BOOST_AUTO_TEST_CASE(a_restart_intensity_must_be_able_to_trip) {
  const auto with = [](std::string_view within) {
    return good_with(
        "replicas: 2", fmt::format("supervision: {{within: {}, backoff: 1s..1m}}", within));
  };

  check_only_fault(
      with("30s"), {12, 24}, "the 6 restarts that exceed max_restarts 5 take 31s", "to 31s");
  plan_of(with("31s"));
}

BOOST_AUTO_TEST_CASE(an_intensity_of_the_defaults_is_reported_once_where_it_stands) {
  check_only_fault(
      good_with("defaults:\n", "defaults:\n  supervision: {max_restarts: 100}\n"),
      {10, 16},
      "can never trip");
}

BOOST_AUTO_TEST_CASE(the_shortest_time_to_trip_follows_the_backoff_up_to_its_cap) {
  supervision::options options;
  options.backoff_min = 100ms;
  options.backoff_max = 350ms;
  const auto shortest = [&](int max_restarts) {
    options.max_restarts = max_restarts;
    return shortest_time_to_trip(options);
  };

  BOOST_TEST((shortest(0) == 0ms));
  BOOST_TEST((shortest(1) == 100ms));
  BOOST_TEST((shortest(2) == 300ms));
  BOOST_TEST((shortest(3) == 650ms));
  BOOST_TEST((shortest(5) == 1350ms));
}

BOOST_AUTO_TEST_CASE(an_actor_type_must_be_known) {
  check_only_fault(
      good_with("actor: orders", "actor: order"),
      {13, 19},
      "capability `orders` has the unknown actor type `order`",
      "did you mean `orders`?");
  check_only_fault(
      good_and("  zebras:\n"), {14, 3}, "unknown actor type `zebras`", "are users, orders");
}

BOOST_AUTO_TEST_CASE(a_program_without_actor_types_says_so) {
  types.clear();

  const auto wrong = faults_of(good);

  BOOST_REQUIRE(wrong.size() == 2U);
  BOOST_TEST(wrong[0].remedy == "no actor type is linked into this program");
}

BOOST_AUTO_TEST_CASE(an_actor_type_that_wants_a_store_gets_one) {
  check_only_fault(
      good_with("\"sqlite:data/{capability}.db\"", "none"),
      {8, 8},
      "capability `users` has no store, and its actor type `users` needs one",
      "sqlite:data/users.db");
  check_only_fault(good_with("replicas: 2", "store: none"), {12, 18}, "has no store");
}

BOOST_AUTO_TEST_CASE(what_a_saga_calls_must_be_in_the_topology) {
  check_only_fault(
      good_with("  users: {replicas: 2}\n", ""),
      {12, 19},
      "the sagas of capability `orders` call `users.get`, and there is no capability `users`",
      "add capability `users`");
}

BOOST_AUTO_TEST_CASE(what_a_saga_calls_must_be_served) {
  types[1].calls = {{"users.get"}, {"users.gett"}, {"users"}};

  const auto wrong = faults_of(good);

  BOOST_REQUIRE(wrong.size() == 2U);
  BOOST_TEST(
      wrong[0].what
      == "the sagas of capability `orders` call `users.gett`, which the actor type `users` of "
         "capability `users` does not serve");
}

BOOST_AUTO_TEST_CASE(the_actor_type_judges_its_own_config) {
  types[0].check_config = [](const config_tree& config, std::vector<fault>& found) {
    config_reader reader{config, "config of users", found};
    reader.integer("limit", 1, 10);
    reader.finish();
  };

  check_only_fault(
      good_with("replicas: 2", "config: {limit: 11}"), {12, 27}, "`limit` of config of users");
  check_only_fault(good_with("replicas: 2", "config: {limt: 10}"), {12, 20}, "`limt`", "`limit`?");
  plan_of(good);
}

// An actor may require keys of a `config` that is not there.
BOOST_AUTO_TEST_CASE(a_missing_config_is_judged_at_its_capability) {
  types[0].check_config = [](const config_tree& config, std::vector<fault>& found) {
    config_reader{config, "config of users", found}.require("limit", "set a limit");
  };

  check_only_fault(good, {12, 3}, "config of users has no `limit`", "set a limit");
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::topology
