#include "nodes/access_rules.hpp"

#include "topology/access_checks.hpp"

#include <vector>

namespace troupe {

namespace {

security::holder holder_of(const topology::plan& plan, const topology::node_plan& node) {
  security::holder made{.name = node.name.value};
  for (const topology::capability_plan& each : plan.capabilities) {
    if (each.runs_on(node.name)) {
      made.may.add(topology::rights_of(*plan.security, each.name.value));
      made.rules.push_back(each.name.value);
    }
  }
  return made;
}

bool is_client(const topology::plan& plan, const topology::access_rule& rule) {
  return plan.find(capability_name{rule.who}) == nullptr && plan.find_gateway(rule.who) == nullptr;
}

} // namespace

std::shared_ptr<const security::rules> access_rules(const topology::plan& plan) {
  if (!plan.security) {
    return nullptr;
  }
  std::vector<security::holder> holders;
  for (const topology::node_plan& each : plan.nodes) {
    holders.push_back(holder_of(plan, each));
  }
  for (const topology::gateway_plan& each : plan.gateways) {
    holders.push_back({each.name, topology::rights_of(plan, each), {each.name}});
  }
  for (const topology::access_rule& each : plan.security->allow) {
    if (is_client(plan, each)) {
      holders.push_back({each.who, each.may, {each.who}});
    }
  }
  std::vector<security::holder> capabilities;
  for (const topology::capability_plan& each : plan.capabilities) {
    capabilities.push_back(
        {each.name.value, topology::rights_of(*plan.security, each.name.value), {each.name.value}});
  }
  return std::make_shared<security::rules>(holders, capabilities);
}

} // namespace troupe
