#include "topology/read.hpp"

#include "tests/topology/topology_fixture.hpp"

#include <boost/test/unit_test.hpp>

#include <filesystem>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace utf = boost::unit_test;

namespace troupe::topology {

namespace {

using namespace std::chrono_literals;

} // namespace

BOOST_FIXTURE_TEST_SUITE(topology_read, topology_fixture, *utf::label("unit") * utf::timeout(60))

BOOST_AUTO_TEST_CASE(a_good_file_becomes_a_plan) {
  const plan shop = plan_of(good);

  BOOST_TEST(shop.name == "shop");
  BOOST_TEST(shop.file == "shops/one/shop.yaml");
  BOOST_TEST(shop.folder == "shops/one");
  BOOST_REQUIRE(shop.brokers.size() == 1U);
  BOOST_TEST(shop.brokers[0].name == "b1");
  BOOST_TEST(shop.brokers[0].listen == "tcp://127.0.0.1:5550");
  BOOST_TEST((shop.brokers[0].at == file_position{4, 3}));
  BOOST_REQUIRE(shop.nodes.size() == 2U);
  BOOST_TEST(shop.nodes[1].name.value == "n2");
  BOOST_TEST(shop.nodes[1].host == "here");
  const capability_plan* orders = shop.find(capability_name{"orders"});
  BOOST_REQUIRE(orders != nullptr);
  BOOST_TEST(orders->actor == "orders");
  BOOST_TEST(orders->replicas == 3);
  BOOST_TEST(orders->nodes.size() == 2U);
  BOOST_TEST(orders->store.value() == "sqlite:shops/one/data/orders.db");
  BOOST_TEST(orders->bulkhead.queue == 100);
  BOOST_TEST((orders->at == file_position{13, 3}));
}

BOOST_AUTO_TEST_CASE(what_a_file_leaves_out_has_its_default) {
  const plan shop = plan_of(R"(troupe: 1
name: shop
brokers: {b1: {listen: "tcp://127.0.0.1:5550"}}
nodes: {n1: {}, n2:}
capabilities: {users:}
)");

  BOOST_TEST(shop.nodes[1].host == "here");
  const capability_plan& users = shop.capabilities.at(0);
  BOOST_TEST(users.actor == "users");
  BOOST_TEST(users.nodes.size() == 2U);
  BOOST_TEST(users.replicas == 2); // One on each node.
  BOOST_TEST(users.store.value() == "sqlite:shops/one/data/users.db");
  BOOST_TEST((users.inbox_kept == 7 * 24h));
  BOOST_TEST(users.supervision.max_restarts == 5);
  BOOST_TEST((shop.heartbeat.timeout == 800ms));
  BOOST_TEST(shop.body_bytes_max == 1U << 20U);
}

BOOST_AUTO_TEST_CASE(links_and_limits_are_read) {
  const plan shop = plan_of(
      good_and("heartbeat: {interval: 100ms, timeout: 1s}\nlimits: {body: 64KiB, memory: 2GiB}\n"));

  BOOST_TEST((shop.heartbeat.interval == 100ms));
  BOOST_TEST((shop.heartbeat.timeout == 1s));
  BOOST_TEST(shop.body_bytes_max == 64U << 10U);
  BOOST_TEST(shop.memory_max == 2ULL << 30U);
}

BOOST_AUTO_TEST_CASE(a_capability_can_have_its_own_store_or_none) {
  types[0].wants_store = false;
  const plan shop = plan_of(good_with(
      "users: {replicas: 2}",
      "users: {store: none}\n  carts: {actor: users, store: 'sqlite:c.db'}"));

  BOOST_TEST(!shop.find(capability_name{"users"})->store.has_value());
  BOOST_TEST(shop.find(capability_name{"carts"})->store.value() == "sqlite:shops/one/c.db");
}

BOOST_AUTO_TEST_CASE(the_digest_is_of_the_plan_and_not_of_the_text) {
  const std::string commented = good_and("# A comment.\n");

  BOOST_TEST(plan_of(good).text_digest == digest_of(std::as_bytes(std::span{good})));
  BOOST_TEST(plan_of(commented).text_digest != plan_of(good).text_digest);
  BOOST_TEST(plan_of(commented).digest == plan_of(good).digest);
}

BOOST_AUTO_TEST_CASE(another_order_and_defaults_spelled_out_are_the_same_plan) {
  const std::string ways[] = {
      "users: {replicas: 2, turn_limit: 10s}",
      "users: {turn_limit: 10000ms, replicas: 2}",
      "users:\n    replicas: 2\n    actor: \"users\"",
      "users: {replicas: 2, config: {}}",
      "'users': {'replicas': 2}"};
  for (const std::string& each : ways) {
    BOOST_TEST(
        plan_of(good_with("users: {replicas: 2}", each)).digest == plan_of(good).digest, each);
  }
}

// The fixture's file is named from the folder of the test. Whoever names it from the root gets the
// same paths in another form.
BOOST_AUTO_TEST_CASE(the_digest_does_not_depend_on_how_the_folder_is_named) {
  const auto folder = std::filesystem::absolute("shops/one").lexically_normal().string();
  const auto digest_with = [&](const std::string& store) {
    return plan_of(good_with("sqlite:data/{capability}.db", "sqlite:" + store)).digest;
  };

  BOOST_TEST(digest_with(folder + "/data/{capability}.db") == plan_of(good).digest);
  BOOST_TEST(digest_with(folder + "2/data/{capability}.db") != plan_of(good).digest);
  BOOST_TEST(
      digest_with("../data/{capability}.db") == digest_with(folder + "/../data/{capability}.db"));
}

BOOST_AUTO_TEST_CASE(what_brokers_and_workers_share_changes_the_digest) {
  const std::string ways[] = {
      "users: {replicas: 3}",
      "users: {replicas: 2, turn_limit: 11s}",
      "users: {replicas: 2, bulkhead: {in_flight: 3}}",
      "users: {replicas: 2, subscribes: [a.*]}",
      "users: {replicas: 2, config: {a: [1, 2]}}",
      "users: {replicas: 2, config: {a: [12]}}"};
  std::set<std::uint64_t> digests{plan_of(good).digest};
  for (const std::string& each : ways) {
    digests.insert(plan_of(good_with("users: {replicas: 2}", each)).digest);
  }
  BOOST_TEST(digests.size() == std::size(ways) + 1);
}

BOOST_AUTO_TEST_CASE(config_is_handed_on_as_it_stands) {
  const plan shop = plan_of(good_with(
      "users: {replicas: 2}", "users: {config: {provider: {simulated: {latency: 1ms}}}}"));

  const config_tree& config = shop.capabilities[0].config;
  BOOST_TEST(config.find("provider")->find("simulated")->find("latency")->text == "1ms");
  BOOST_TEST((shop.capabilities[1].config.is == config_tree::kind::null));
}

BOOST_AUTO_TEST_CASE(all_faults_come_at_once_in_the_order_of_the_file) {
  const auto wrong = faults_of(R"(troupe: 2
nmae: shop
brokers: {b1: {listen: "udp://127.0.0.1:5550"}}
nodes: {n1: {host: here, port: 1}}
capabilities:
  users: {replicas: none}
  orders: {nodes: [n2]}
)");

  std::vector<int> lines;
  for (const fault& each : wrong) {
    lines.push_back(each.at.line);
  }
  // `name` is missing (reported at the map, which starts on line 1) and `nmae` is unknown.
  BOOST_TEST((lines == std::vector{1, 1, 2, 3, 4, 6, 7}));
}

BOOST_AUTO_TEST_CASE(a_fault_is_written_with_file_line_column_and_remedy) {
  const faults wrong{"shop.yaml", {{{}, "no file", "make one"}, {{3, 7}, "`a` is `b`", "write c"}}};

  BOOST_TEST(
      wrong.to_text() == "shop.yaml: no file; make one\nshop.yaml:3:7: `a` is `b`; write c\n");
}

BOOST_AUTO_TEST_CASE(an_empty_file_and_one_that_is_no_map_say_how_to_start) {
  check_only_fault("", {}, "the file is empty", "troupe: 1");
  check_only_fault("# nothing here\n", {}, "the file is empty", "troupe: 1");
  check_only_fault("- a\n- b\n", {1, 1}, "the file is not a map", "troupe: 1");
  check_only_fault("shop", {1, 1}, "the file is not a map", "troupe: 1");
}

BOOST_AUTO_TEST_CASE(a_yaml_error_is_one_fault_with_its_place) {
  check_only_fault("troupe: 1\nname: [shop\n", {3, 1}, "this is not YAML", "brackets");
}

BOOST_AUTO_TEST_CASE(required_keys_that_are_missing_are_each_a_fault) {
  const auto wrong = faults_of("{}");

  std::set<std::string> said;
  for (const fault& each : wrong) {
    said.insert(each.what);
  }
  for (const auto* key : {"troupe", "name", "brokers", "nodes", "capabilities"}) {
    BOOST_TEST(said.count(fmt::format("the topology has no `{}`", key)) == 1U);
  }
  BOOST_TEST(said.size() == 5U);
}

BOOST_AUTO_TEST_CASE(a_section_without_entries_is_as_good_as_missing) {
  check_only_fault(
      good_with("  b1: {listen: \"tcp://127.0.0.1:5550\"}\n", ""),
      {3, 1},
      "`brokers` of the topology has no broker in it",
      "add a broker");
}

BOOST_AUTO_TEST_CASE(another_version_of_the_format_is_refused) {
  check_only_fault(good_with("troupe: 1", "troupe: 2"), {1, 9}, "is `2`", "reads version 1");
}

BOOST_AUTO_TEST_CASE(a_broker_says_where_it_listens) {
  check_only_fault(
      good_with("{listen: \"tcp://127.0.0.1:5550\"}", "{}"),
      {4, 7},
      "broker `b1` has no `listen`",
      "tcp://127.0.0.1:5550");
}

BOOST_AUTO_TEST_CASE(a_key_that_comes_twice_is_found_among_the_other_faults) {
  const auto wrong = faults_of(good_and("name: other\ncolour: red\n"));

  BOOST_REQUIRE(wrong.size() == 2U);
  BOOST_TEST(wrong[0].what == "the key `name` comes a second time");
  BOOST_TEST(wrong[1].what == "unknown key `colour` in the topology");
}

BOOST_AUTO_TEST_CASE(unknown_keys_suggest_the_one_that_was_meant) {
  check_only_fault(
      good_with("replicas: 2", "replica: 2"), {12, 11}, "unknown key `replica`", "`replicas`?");
  check_only_fault(
      good_with("store:", "stroe:"), {8, 1}, "unknown key `stroe` in the topology", "`store`?");
  check_only_fault(good_with("n1: {host", "n1: {hots"), {6, 8}, "node `n1`", "`host`?");
}

BOOST_AUTO_TEST_CASE(an_unknown_key_is_told_which_there_are) {
  check_only_fault(
      good_and("wholly_other: 1\n"),
      {14, 1},
      "unknown key `wholly_other`",
      "the keys here are brokers, capabilities, defaults, events, gateways, heartbeat, "
      "limits");
}

BOOST_AUTO_TEST_CASE(names_are_words_in_lower_case) {
  for (const auto* name :
       {"Users",
        "1users",
        "user-s",
        "us.ers",
        "_users",
        "\"\"",
        "\"us ers\"",
        "üsers",
        "users2345678901234567890123456789012345678901234567890123456789012345"}) {
    BOOST_TEST_CONTEXT(name) {
      check_only_fault(
          good_and(fmt::format("  {}: {{actor: users}}\n", name)),
          {14, 3},
          "the capability name",
          "letter a-z");
    }
  }
  check_only_fault(good_with("name: shop", "name: My Shop"), {2, 7}, "`My Shop`", "letter a-z");
  check_only_fault(good_with("  b1:", "  B1:"), {4, 3}, "the broker name `B1`", "letter a-z");
  check_only_fault(
      good_and(
          "  u234567890123456789012345678901234567890123456789012345678901234: {actor: users}\n")
          + "troupes: 1\n",
      {15, 1},
      "unknown key `troupes`"); // 64 characters pass.
}

BOOST_AUTO_TEST_CASE(the_names_of_the_broker_itself_are_kept) {
  check_only_fault(
      good_and("  troupe: {actor: users}\n"), {14, 3}, "`troupe` is kept", "another name");
  check_only_fault(
      good_and("  troupe.status: {actor: users}\n"), {14, 3}, "`troupe.status` is kept");
}

BOOST_AUTO_TEST_CASE(a_host_is_here_or_a_host_name) {
  BOOST_TEST(plan_of(good_with("n2: {host: here}", "n2: {}")).nodes[1].host == "here");
  check_only_fault(
      good_with("n2: {host: here}", "n2: {host: 'a b'}"), {7, 14}, "`host` of node `n2`", "`here`");
}

BOOST_AUTO_TEST_CASE(a_wrong_store_is_a_fault_where_it_stands) {
  check_only_fault(
      good_with("sqlite:data/{capability}.db", "postgresql://ann:secret@db/shop"),
      {8, 8},
      "has a password in it",
      "PGPASSFILE");
  BOOST_TEST(
      plan_of(good_with("sqlite:data/{capability}.db", "postgresql://db/shop"))
          .capabilities[0]
          .store.value()
      == "postgresql://db/shop");
  check_only_fault(
      good_with("replicas: 2", "store: data.db"), {12, 18}, "`store` of capability `users`");
}

// On a server a capability's data are in a schema of its name.
BOOST_AUTO_TEST_CASE(a_name_that_no_schema_may_have_is_refused_on_a_server) {
  const auto named = [](const std::string& name) {
    return good_and(fmt::format("  {}: {{actor: users, store: 'postgresql://db/shop'}}\n", name));
  };
  for (const auto& [name, what] : std::vector<std::pair<std::string, std::string>>{
           {"troupe_migration", "is that of the books of `troupe migrate`"},
           {"pg_users", "is one of the server's own"},
           {"information_schema", "is one of the server's own"},
           {std::string(64, 'a'), "is longer than 63 characters"}}) {
    BOOST_TEST_CONTEXT(name) {
      check_only_fault(named(name), {14, 3}, what, "another name");
    }
  }
  plan_of(named(std::string(63, 'a')));
  plan_of(good_and(fmt::format("  {}: {{actor: users}}\n", std::string(64, 'a'))));
}

BOOST_AUTO_TEST_CASE(too_many_entries_are_refused) {
  std::string nodes;
  for (int i = 3; i <= 257; ++i) {
    nodes += fmt::format("  n{}: {{host: here}}\n", i);
  }
  check_only_fault(
      good_with("store:", nodes + "store:"), {6, 3}, "`nodes` of the topology has 257 entries");
}

BOOST_AUTO_TEST_CASE(a_file_that_cannot_be_read_is_one_fault) {
  for (const auto* file : {"no/such/file.yaml", "/", ""}) {
    const auto result = read_file(file, types);
    BOOST_REQUIRE(std::holds_alternative<faults>(result));
    BOOST_REQUIRE(std::get<faults>(result).all.size() == 1U);
    BOOST_TEST((std::get<faults>(result).all[0].at == file_position{}));
  }
}

BOOST_AUTO_TEST_CASE(names_that_each_machine_has_for_itself_are_here) {
  for (const char* name : {"localhost", "127.0.0.1", "\"::1\""}) {
    const auto plan =
        plan_of(good_with("n2: {host: here}", std::string{"n2: {host: "} + name + "}"));
    BOOST_TEST(plan.nodes[1].host == "here", name);
  }
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::topology
