#include "nodes/commands/status/rows.hpp"

#include <algorithm>
#include <array>
#include <string_view>
#include <tuple>
#include <utility>

namespace troupe {

namespace {

struct breaker_words {
  std::string_view state;
  std::string_view words;
  /// The text of a cell; it stands without the word "breaker".
  std::string_view cell;
};

// The states of breakers, from best to worst.
constexpr std::array<breaker_words, 6> breakers{
    {{"closed", "closed", "ok"},
     {"half_open", "half open", "half open"},
     {"disabled", "disabled", "breaker off"},
     {"forced_closed", "forced closed", "forced closed"},
     {"open", "open", "breaker open"},
     {"forced_open", "forced open", "forced open"}}};

std::size_t rank_of(std::string_view state) {
  const auto found =
      std::ranges::find_if(breakers, [&](const auto& each) { return each.state == state; });
  return found == breakers.end() ? 0 : static_cast<std::size_t>(found - breakers.begin());
}

template <class Value>
void add_to(std::optional<Value>& sum, const std::optional<Value>& value) {
  if (value) {
    sum = sum.value_or(Value{}) + *value;
  }
}

std::pair<capability_place::kind, std::string>
word_on(const system_view& all, const std::string& node, const wire::group_status* group) {
  using kind = capability_place::kind;
  const std::string_view presence = presence_of(all, node);
  if (presence == "away") {
    return {kind::bad, "away"};
  }
  if (presence == "silent") {
    return {kind::bad, "no answer"};
  }
  if (presence == "unknown") {
    return {kind::unknown, "not known"};
  }
  if (group == nullptr) {
    return {kind::unknown, "not told"};
  }
  if (!group->down_reason.empty() || group->breaker == "down") {
    return {kind::bad, "down"};
  }
  if (const std::size_t rank = rank_of(group->breaker); rank > 0) {
    return {rank < rank_of("open") ? kind::warn : kind::bad, std::string{breakers[rank].cell}};
  }
  return known_node(all, node)->draining.value_or(false) ? std::pair{kind::warn, "stopping"}
                                                         : std::pair{kind::ok, "ok"};
}

/// All nodes of a database list the same stopped sagas; a failing one runs on one node only.
void add_sagas(capability_row& to, const std::vector<waiting_view>& waiting) {
  std::uint64_t need_person = 0;
  for (const waiting_view& each : waiting) {
    if (each.capability == to.name) {
      to.sagas = std::max(to.sagas.value_or(0), each.sagas - each.need_person);
      to.has_more_sagas = to.has_more_sagas || each.has_more_sagas;
      need_person += each.need_person;
    }
  }
  add_to(to.sagas, need_person == 0 ? std::nullopt : std::optional{need_person});
}

capability_row row_of(const system_view& all, const capability_view& capability) {
  capability_row row;
  row.name = capability.name;
  row.nodes_meant = capability.nodes.size();
  std::size_t worst = 0;
  bool is_known = false;
  for (const std::string& name : capability.nodes) {
    const node_view* const node = find_node(all, name);
    const auto* const group = node == nullptr ? nullptr : group_of(*node, capability.name);
    if (group == nullptr) {
      continue;
    }
    const std::size_t rank = rank_of(group->breaker);
    is_known = true;
    worst = std::max(worst, rank);
    row.nodes_serving += group->down_reason.empty() && rank < rank_of("open") ? 1 : 0;
    add_to(row.rate_per_s, group->rate_per_s);
    add_to(row.restarts, group->restarts);
    add_to(row.sagas_queued, group->sagas_queued);
  }
  row.breaker = is_known ? breakers[worst].words : "";
  row.state = row.nodes_serving == row.nodes_meant ? "ok" : row.nodes_serving > 0 ? "part" : "down";
  for (const broker_view& broker : all.brokers) {
    if (!broker.said) {
      continue;
    }
    for (const wire::known_capability& each : broker.said->capabilities) {
      if (each.name == capability.name) {
        row.queue = row.queue.value_or(0) + each.queued;
        row.p99_us = std::max(row.p99_us, each.p99_us);
      }
    }
  }
  if (const auto* const subscriber = subscriber_of(all, capability.name)) {
    row.lag = subscriber->lag;
    row.dead_letters = subscriber->dead;
  }
  add_sagas(row, all.waiting);
  return row;
}

} // namespace

std::string_view name_of(capability_place::kind is) {
  constexpr std::array<std::string_view, 4> names{"ok", "warn", "bad", "unknown"};
  return names[static_cast<std::size_t>(is)];
}

std::vector<capability_place> places_of(const system_view& all, const capability_view& capability) {
  std::vector<capability_place> places;
  for (const std::string& name : capability.nodes) {
    capability_place& one = places.emplace_back();
    one.node = name;
    const node_view* const node = find_node(all, name);
    const auto* const group = node == nullptr ? nullptr : group_of(*node, capability.name);
    std::tie(one.is, one.word) = word_on(all, name, group);
    if (group != nullptr) {
      one.rate_per_s = group->rate_per_s;
      one.in_hand = group->in_hand;
      one.credit = group->credit;
      one.p99_us = group->p99_us;
    }
  }
  return places;
}

bool stands_still(std::string_view state) {
  return state != "forward" && state != "undoing" && state != "queued";
}

std::uint64_t queued_sagas(const system_view& all) {
  std::uint64_t count = 0;
  for (const capability_row& each : rows_of(all)) {
    count += each.sagas_queued.value_or(0);
  }
  return count;
}

std::vector<capability_row> rows_of(const system_view& all) {
  std::vector<capability_row> rows;
  for (const capability_view& each : all.capabilities) {
    rows.push_back(row_of(all, each));
  }
  return rows;
}

} // namespace troupe
