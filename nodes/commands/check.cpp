#include "nodes/actor_types.hpp"
#include "nodes/commands/command.hpp"
#include "topology/explain.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace troupe {

namespace {

using nlohmann::ordered_json;

ordered_json json_of(const topology::retention_rule& rule) {
  return {
      {"topics", rule.pattern},
      {"keep_ms", rule.keep.count()},
      {"bytes_max", rule.bytes_max},
      {"drop_unread", rule.drop_unread}};
}

ordered_json json_of(const topology::plan& plan, const std::vector<topology::actor_type>& types) {
  ordered_json brokers = ordered_json::array();
  for (const auto& each : plan.brokers) {
    brokers.push_back({{"name", each.name}, {"listen", each.listen}});
  }
  ordered_json nodes = ordered_json::array();
  for (const auto& each : plan.nodes) {
    nodes.push_back({{"name", each.name.value}, {"host", each.host}});
  }
  ordered_json capabilities = ordered_json::array();
  for (const auto& each : plan.capabilities) {
    ordered_json on = ordered_json::array();
    for (const node_name& node : each.nodes) {
      on.push_back({{"node", node.value}, {"replicas", each.replicas_on(node)}});
    }
    ordered_json one = {
        {"name", each.name.value},
        {"actor", each.actor},
        {"replicas", each.replicas},
        {"nodes", on}};
    const auto* const type = topology::type_named(each.actor, types);
    one["operations"] = type == nullptr ? std::vector<std::string>{} : type->operations;
    one["subscribes"] = each.subscribes;
    one["store"] = each.store ? ordered_json(*each.store) : ordered_json(nullptr);
    capabilities.push_back(std::move(one));
  }
  ordered_json rules = ordered_json::array();
  for (const auto& each : plan.events.rules) {
    rules.push_back(json_of(each));
  }
  rules.push_back(json_of(plan.events.otherwise));
  return {
      {"ok", true},
      {"file", plan.file},
      {"name", plan.name},
      {"digest", fmt::format("{:016x}", plan.digest)},
      {"brokers", brokers},
      {"nodes", nodes},
      {"capabilities", capabilities},
      {"events",
       {{"broker", plan.events.broker}, {"journal", plan.events.journal}, {"retention", rules}}}};
}

} // namespace

int run_check(const check_arguments& given) {
  const auto types = actor_types();
  const auto plan = load_plan(given.file, given.json);
  if (!plan) {
    return exit_code::faults;
  }
  if (given.json) {
    fmt::print("{}\n", json_of(*plan, types).dump());
  } else {
    fmt::print("{}", topology::explain(*plan, types));
  }
  return exit_code::ok;
}

} // namespace troupe
