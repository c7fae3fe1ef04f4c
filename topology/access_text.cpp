#include "topology/access_text.hpp"

#include "topology/access_checks.hpp"

#include <array>
#include <fmt/format.h>
#include <string_view>

namespace troupe::topology {

namespace {

using security::act;
using security::grants;

/// Somebody who connects, or a capability, and what it may do.
struct party {
  std::string name;
  /// "a capability on n1 and n2".
  std::string is;
  grants may;
};

std::vector<party> parties_of(const plan& plan) {
  std::vector<party> all;
  for (const capability_plan& each : plan.capabilities) {
    std::vector<std::string> nodes;
    for (const node_name& node : each.nodes) {
      nodes.push_back(node.value);
    }
    all.push_back(
        {each.name.value,
         fmt::format("a capability, on {}", fmt::join(nodes, ", ")),
         rights_of(*plan.security, each.name.value)});
  }
  for (const gateway_plan& each : plan.gateways) {
    all.push_back({each.name, "a gateway", rights_of(plan, each)});
  }
  for (const access_rule& each : plan.security->allow) {
    if (plan.find(capability_name{each.who}) == nullptr && plan.find_gateway(each.who) == nullptr) {
      all.push_back(
          {each.who,
           each.who == "anonymous" ? "whoever has no key" : "who has the key of this name",
           each.may});
    }
  }
  return all;
}

std::string shown(const std::string& right) {
  return right == "*"          ? "everything"
         : right == "troupe.*" ? "everything of Troupe itself (an operator)"
                               : right;
}

std::string rights_text(act what, const grants& may) {
  std::vector<std::string> rights;
  for (const std::string& each : security::rights_to(what, may)) {
    rights.push_back(shown(each));
  }
  constexpr std::array<std::string_view, security::act_count> verbs{
      "may call", "may publish", "may subscribe to", "may read"};
  return fmt::format(
      "    {} {}\n", verbs.at(static_cast<std::size_t>(what)), fmt::join(rights, ", "));
}

std::string party_text(const party& who) {
  std::string text = fmt::format("  {} ({})\n", who.name, who.is);
  bool has_rights = false;
  for (const act each : {act::call, act::publish, act::subscribe, act::read}) {
    if (!security::rights_to(each, who.may).empty()) {
      has_rights = true;
      text += rights_text(each, who.may);
    }
  }
  return has_rights ? text : text + "    may do nothing of its own\n";
}

/// Who may call each operation.
std::string operations_text(
    const plan& plan, const std::vector<actor_type>& types, const std::vector<party>& parties) {
  std::string text;
  for (const capability_plan& capability : plan.capabilities) {
    const actor_type* const type = type_named(capability.actor, types);
    if (type == nullptr) {
      continue;
    }
    for (const std::string& operation : type->described.operation_names()) {
      std::vector<std::string> names;
      for (const party& each : parties) {
        if (each.may.may_call(capability.name.value, operation)) {
          names.push_back(each.name);
        }
      }
      text += fmt::format(
          "  {}.{}: {}\n",
          capability.name.value,
          operation,
          names.empty() ? "nobody" : fmt::format("{}", fmt::join(names, ", ")));
    }
  }
  return text;
}

} // namespace

std::string access_text(const plan& plan, const std::vector<actor_type>& types) {
  if (!plan.security) {
    return "\nRights\n  nothing is checked: whoever reaches a broker may do everything (there is "
           "no "
           "`security` in the topology)\n";
  }
  const auto parties = parties_of(plan);
  std::string text = "\nRights (what is not here is forbidden; a node may do what its capabilities "
                     "may)\n";
  for (const party& each : parties) {
    text += party_text(each);
  }
  return text + "\nWho may call what\n" + operations_text(plan, types, parties);
}

} // namespace troupe::topology
