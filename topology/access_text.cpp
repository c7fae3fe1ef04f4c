#include "topology/access_text.hpp"

#include "topology/access_matrix.hpp"

#include <array>
#include <fmt/format.h>
#include <string_view>

namespace troupe::topology {

namespace {

using security::act;
using security::grants;

std::string kind_text(const access_party& who) {
  switch (who.is) {
  case access_party::kind::capability:
    return fmt::format("a capability, on {}", fmt::join(who.nodes, ", "));
  case access_party::kind::gateway:
    return "a gateway";
  case access_party::kind::anonymous:
    return "whoever has no key";
  case access_party::kind::client:
    break;
  }
  return "who has the key of this name";
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

std::string party_text(const access_party& who) {
  std::string text = fmt::format("  {} ({})\n", who.name, kind_text(who));
  bool has_rights = false;
  for (const act each : {act::call, act::publish, act::subscribe, act::read}) {
    if (!security::rights_to(each, who.may).empty()) {
      has_rights = true;
      text += rights_text(each, who.may);
    }
  }
  return has_rights ? text : text + "    may do nothing of its own\n";
}

} // namespace

std::string access_text(const plan& plan, const std::vector<actor_type>& types) {
  if (!plan.security) {
    return "\nRights\n  nothing is checked: whoever reaches a broker may do everything (there is "
           "no "
           "`security` in the topology)\n";
  }
  const auto parties = access_parties(plan);
  std::string text = "\nRights (what is not here is forbidden; a node may do what its capabilities "
                     "may)\n";
  for (const access_party& each : parties) {
    text += party_text(each);
  }
  text += "\nWho may call what\n";
  for (const operation_access& each : access_to_operations(plan, types, parties)) {
    text += fmt::format(
        "  {}.{}: {}\n",
        each.capability,
        each.operation,
        each.callers.empty() ? "nobody" : fmt::format("{}", fmt::join(each.callers, ", ")));
  }
  return text;
}

} // namespace troupe::topology
