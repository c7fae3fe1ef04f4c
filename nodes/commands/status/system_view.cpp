#include "nodes/commands/status/system_view.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace troupe {

namespace {

/// Why a saga needs a person, including all effects not undone, of which a node may have left out
/// some.
std::string need_in(const wire::standing_saga& saga) {
  if (!saga.effects) {
    return saga.reason;
  }
  return fmt::format(
      "{}; effects that stand: {}",
      saga.reason.substr(0, saga.reason.rfind("; effects that stand: ")),
      saga.effects->empty() ? "none" : fmt::to_string(fmt::join(*saga.effects, ", ")));
}

} // namespace

waiting_view waiting_in(const wire::standing_sagas& said) {
  waiting_view found{.capability = said.capability, .node = said.node};
  found.sagas = said.sagas.size();
  found.has_more_sagas = said.next.has_value();
  for (const wire::standing_saga& each : said.sagas) {
    if (each.state != "needs_person") {
      continue;
    }
    if (found.need_person++ == 0) {
      found.need = fmt::format("saga {}: {}", to_string(each.id), need_in(each));
    }
    found.may_turn_back = found.may_turn_back || each.step.starts_with("do ");
  }
  return found;
}

const wire::known_node* known_node(const system_view& all, const std::string& name) {
  const wire::known_node* found = nullptr;
  for (const broker_view& broker : all.brokers) {
    if (!broker.said) {
      continue;
    }
    for (const wire::known_node& each : broker.said->nodes) {
      if (each.name == name && (found == nullptr || each.live)) {
        found = &each;
      }
    }
  }
  return found;
}

std::string_view presence_of(const system_view& all, const std::string& name) {
  const wire::known_node* const known = known_node(all, name);
  if (known == nullptr) {
    return "unknown";
  }
  const node_view* const node = find_node(all, name);
  return !known->live ? "away" : node == nullptr || !node->said ? "silent" : "live";
}

const wire::group_status* group_of(const node_view& node, const std::string& capability) {
  if (!node.said) {
    return nullptr;
  }
  const auto& groups = node.said->groups;
  const auto found =
      std::ranges::find_if(groups, [&](const auto& each) { return each.capability == capability; });
  return found == groups.end() ? nullptr : &*found;
}

std::optional<std::vector<std::string>>
brokers_of_gateway(const system_view& all, const std::string& name) {
  std::optional<std::vector<std::string>> joined;
  for (const broker_view& broker : all.brokers) {
    if (!broker.said || !broker.said->gateways) {
      continue;
    }
    if (!joined) {
      joined.emplace();
    }
    for (const wire::known_gateway& each : *broker.said->gateways) {
      if (each.name == name && each.live) {
        joined->push_back(broker.name);
      }
    }
  }
  return joined;
}

const node_view* find_node(const system_view& all, const std::string& name) {
  const auto found =
      std::ranges::find_if(all.nodes, [&](const auto& each) { return each.name == name; });
  return found == all.nodes.end() ? nullptr : &*found;
}

const wire::recent_event* last_logged(
    const system_view& all,
    std::string_view name,
    const std::function<bool(const std::map<std::string, std::string>&)>& fits) {
  const wire::recent_event* found = nullptr;
  for (const broker_view& broker : all.brokers) {
    if (!broker.said) {
      continue;
    }
    for (const wire::recent_event& each : broker.said->events) {
      if (each.name == name && (!fits || fits(each.fields))
          && (found == nullptr || each.ago_ms <= found->ago_ms)) {
        found = &each;
      }
    }
  }
  return found;
}

const wire::group_state* subscriber_of(const system_view& all, const std::string& capability) {
  if (!all.events) {
    return nullptr;
  }
  const auto& groups = all.events->groups;
  const auto found =
      std::ranges::find_if(groups, [&](const auto& each) { return each.capability == capability; });
  return found == groups.end() ? nullptr : &*found;
}

} // namespace troupe
