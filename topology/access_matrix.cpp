#include "topology/access_matrix.hpp"

#include "runtime/security/grants.hpp"
#include "topology/access_checks.hpp"

#include <array>

namespace troupe::topology {

std::string_view name_of(access_party::kind kind) {
  constexpr std::array<std::string_view, 4> names{"capability", "gateway", "client", "anonymous"};
  return names.at(static_cast<std::size_t>(kind));
}

std::vector<access_party> access_parties(const plan& plan) {
  using kind = access_party::kind;
  std::vector<access_party> all;
  for (const capability_plan& each : plan.capabilities) {
    access_party& added = all.emplace_back(access_party{
        each.name.value, kind::capability, {}, rights_of(*plan.security, each.name.value)});
    for (const node_name& node : each.nodes) {
      added.nodes.push_back(node.value);
    }
  }
  for (const gateway_plan& each : plan.gateways) {
    all.push_back({each.name, kind::gateway, {}, rights_of(plan, each)});
  }
  for (const access_rule& each : plan.security->allow) {
    if (plan.find(capability_name{each.who}) == nullptr && plan.find_gateway(each.who) == nullptr) {
      const bool has_key = each.who != "anonymous";
      all.push_back({each.who, has_key ? kind::client : kind::anonymous, {}, each.may});
    }
  }
  return all;
}

std::vector<operation_access> access_to_operations(
    const plan& plan,
    const std::vector<actor_type>& types,
    const std::vector<access_party>& parties) {
  std::vector<operation_access> all;
  for (const capability_plan& capability : plan.capabilities) {
    const actor_type* const type = type_named(capability.actor, types);
    if (type == nullptr) {
      continue;
    }
    for (const std::string& operation : type->described.operation_names()) {
      operation_access& added =
          all.emplace_back(operation_access{capability.name.value, operation, {}});
      for (const access_party& each : parties) {
        if (each.may.may_call(capability.name.value, operation)) {
          added.callers.push_back(each.name);
        }
      }
    }
  }
  return all;
}

} // namespace troupe::topology
