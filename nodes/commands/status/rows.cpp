#include "nodes/commands/status/rows.hpp"

#include <algorithm>
#include <array>
#include <string_view>

namespace troupe {

namespace {

struct breaker_words {
  std::string_view state;
  std::string_view words;
};

// From the best to the worst.
constexpr std::array<breaker_words, 6> breakers{
    {{"closed", "closed"},
     {"half_open", "half open"},
     {"disabled", "disabled"},
     {"forced_closed", "forced closed"},
     {"open", "open"},
     {"forced_open", "forced open"}}};

std::size_t rank_of(std::string_view state) {
  const auto found = std::find_if(
      breakers.begin(), breakers.end(), [&](const auto& each) { return each.state == state; });
  return found == breakers.end() ? 0 : static_cast<std::size_t>(found - breakers.begin());
}

template <class Value>
void add_to(std::optional<Value>& sum, const std::optional<Value>& value) {
  if (value) {
    sum = sum.value_or(Value{}) + *value;
  }
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
  }
  row.breaker = is_known ? breakers[worst].words : "";
  row.state = row.nodes_serving == row.nodes_meant ? "ok" : row.nodes_serving > 0 ? "part" : "down";
  for (const broker_view& broker : all.brokers) {
    if (!broker.said) {
      continue;
    }
    for (const wire::known_capability& each : broker.said->capabilities) {
      row.queue += each.name == capability.name ? each.queued : 0;
    }
  }
  if (const auto* const subscriber = subscriber_of(all, capability.name)) {
    row.lag = subscriber->lag;
    row.dead_letters = subscriber->dead;
  }
  for (const waiting_view& each : all.waiting) {
    if (each.capability == capability.name) {
      row.sagas = std::max(row.sagas.value_or(0), each.sagas);
    }
  }
  return row;
}

} // namespace

std::vector<capability_row> rows_of(const system_view& all) {
  std::vector<capability_row> rows;
  for (const capability_view& each : all.capabilities) {
    rows.push_back(row_of(all, each));
  }
  return rows;
}

} // namespace troupe
