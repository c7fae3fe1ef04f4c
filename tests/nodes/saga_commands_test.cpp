#include "runtime/wire/node_calls.hpp"
#include "tests/nodes/commands_fixture.hpp"

#include <fstream>
#include <map>
#include <set>

namespace utf = boost::unit_test;

namespace troupe {

namespace {

constexpr std::string_view two_nodes = R"(troupe: 1
name: two
brokers:
  b1: {{listen: "{}"}}
nodes:
  n1: {{host: here}}
  n2: {{host: here}}
store: "sqlite:data/{{capability}}.db"
capabilities:
  notes: {{replicas: 2, nodes: [n1, n2]}}
)";

uuid saga_number(int number) {
  return parse_uuid(fmt::format("018f3c1e-7a2b-7c3d-8e4f-{:012d}", number)).value();
}

/// Two nodes that run sagas, and tell one at a time.
struct saga_commands_fixture : commands_fixture {
  saga_commands_fixture() {
    std::ofstream{file} << fmt::format(two_nodes, broker.endpoint());
    answer_by([this](const question& asked) { return said(asked); });
  }

  answer said(const question& asked) {
    const std::string node = asked.to.substr(asked.to.rfind('.') + 1);
    if (node == silent) {
      return std::nullopt;
    }
    if (asked.operation == "order_saga") {
      const auto order = asked.as<wire::order_saga>();
      const bool runs_here = running[node].contains(order.id);
      ordered[order.id] += runs_here ? 1 : 0;
      return runs_here ? outcome<std::string>{wire::encoded(
                 wire::saga_ordered{.id = order.id, .node = node, .state = "undoing"})}
                       : failure{rejected("elsewhere", "it runs in another process")};
    }
    const auto wanted = asked.as<wire::get_standing_sagas>();
    wire::standing_sagas list{wanted.capability, node, {}};
    for (const uuid& each : running[node]) {
      if (wanted.after.value_or(uuid{}) < each && list.sagas.empty()) {
        list.sagas.push_back({.id = each, .operation = "place", .state = "forward"});
      } else if (!list.sagas.empty()) {
        list.next = list.sagas.back().id;
      }
    }
    return wire::encoded(list);
  }

  std::string file = folder + "/two.yaml";
  std::map<std::string, std::set<uuid>> running{
      {"n1", {saga_number(1), saga_number(4)}}, {"n2", {saga_number(2), saga_number(3)}}};
  std::map<uuid, int> ordered;
  std::string silent;
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(
    nodes_saga_commands, saga_commands_fixture, *utf::label("integration") * utf::timeout(60))

// What one node names stands behind the end of another one's list: it comes again with the next.
BOOST_AUTO_TEST_CASE(an_order_to_all_is_given_once_to_each_saga_of_each_node) {
  const auto counted =
      run_words(fmt::format("sagas compensate {} notes --all --reason mended --dry-run", file));
  BOOST_TEST(contains(counted.err, "4 sagas match"), counted.err);

  const auto done = run_words(fmt::format("sagas compensate {} notes --all --reason mended", file));

  BOOST_TEST(done.code == 0, done.err);
  BOOST_TEST(contains(done.err, "4 sagas obey, 0 refused"), done.err);
  const std::lock_guard lock{mutex};
  BOOST_TEST(ordered.size() == 4U);
  for (const auto& [id, times] : ordered) {
    BOOST_TEST(times == 1);
  }
}

BOOST_AUTO_TEST_CASE(nobody_is_advised_to_resume_what_runs) {
  running = {{"n1", {saga_number(1)}}, {"n2", {}}};

  const auto done = run_words(fmt::format("sagas list {} notes --state forward", file));

  BOOST_TEST(done.code == 0, done.err);
  BOOST_TEST(contains(done.err, "saga show"), done.err);
  BOOST_TEST(!contains(done.err, "resume"), done.err);
}

// It may have obeyed: who gave the order vouched for what the saga was then, not for what it is
// now.
BOOST_AUTO_TEST_CASE(an_order_that_vouches_is_not_given_on_when_a_node_says_nothing) {
  silent = "n1";
  const auto order = [&](std::string_view how) {
    return run_words(fmt::format(
        "sagas retry {} notes {} --reason mended --deadline 300ms {}",
        file,
        to_string(saga_number(2)),
        how));
  };

  const auto vouched = order("--anew");
  BOOST_TEST(vouched.code != 0);
  BOOST_TEST(contains(vouched.err, "saga show"), vouched.err);
  const auto plain = order("");

  BOOST_TEST(plain.code == 0, plain.err);
  const std::lock_guard lock{mutex};
  BOOST_TEST(ordered[saga_number(2)] == 1);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe
