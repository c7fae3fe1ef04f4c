#include "nodes/commands/status/screen.hpp"

#include "nodes/commands/status/rows.hpp"
#include "nodes/text_table.hpp"
#include "runtime/time_text.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace troupe {

namespace {

constexpr std::size_t troubles_shown = 8;
// Reasons say what to do, so they may take several lines; a very long one is cut.
constexpr std::size_t reason_characters = 600;
constexpr std::size_t name_characters_max = 40;
constexpr std::size_t name_characters_min = 6;

template <class Value>
std::string number_of(const std::optional<Value>& value) {
  return value ? fmt::format("{}", *value) : std::string{"-"};
}

/// "3", or "100+" if there are more.
std::string standing_text(const capability_row& row) {
  return row.sagas_queued && !row.sagas ? "0"
                                        : number_of(row.sagas) + (row.has_more_sagas ? "+" : "");
}

std::string table_of(const std::vector<capability_row>& rows, std::size_t name_characters) {
  using side = text_table::side;
  text_table table{
      {{"capability"},
       {"state"},
       {"per s", side::right},
       {"queue", side::right},
       {"lag", side::right},
       {"dead", side::right},
       {"restarts", side::right},
       {"breaker"},
       {"sagas", side::right}}};
  for (const capability_row& each : rows) {
    table.add(
        {cell_text(each.name, name_characters),
         fmt::format("{} {}/{}", each.state, each.nodes_serving, each.nodes_meant),
         rate_of(each.rate_per_s),
         number_of(each.queue),
         number_of(each.lag),
         number_of(each.dead_letters),
         number_of(each.restarts),
         each.breaker.substr(0, each.breaker.find(' ')), // "forced", "half"
         each.sagas_queued ? fmt::format("{} +{} queued", standing_text(each), *each.sagas_queued)
                           : standing_text(each)});
  }
  return table.text();
}

/// The table, with names shortened until it fits.
std::string table_within(const std::vector<capability_row>& rows, std::size_t columns) {
  std::string table = table_of(rows, name_characters_max);
  std::size_t longest = 0;
  for (const capability_row& each : rows) {
    longest = std::max(longest, std::min(width_of(each.name), name_characters_max + 3));
  }
  std::size_t most = 0;
  for (std::string_view left = table; !left.empty();) {
    const std::string_view line = left.substr(0, left.find('\n'));
    most = std::max(most, width_of(line));
    left.remove_prefix(line.size() + 1);
  }
  if (most <= columns) {
    return table;
  }
  const std::size_t excess = most - columns + 3; // The excess includes the three dots.
  return table_of(
      rows, longest > excess + name_characters_min ? longest - excess : name_characters_min);
}

std::string up_text(const std::optional<std::uint64_t>& millis) {
  return millis ? "up " + age_text(milliseconds{static_cast<std::int64_t>(*millis)}) : "";
}

std::string state_of(const system_view& all, const node_view& node) {
  const wire::known_node* const known = known_node(all, node.name);
  if (known != nullptr && !known->live) {
    return "away";
  }
  if (!node.said) {
    return "no answer";
  }
  return known != nullptr && known->draining.value_or(false)
             ? "stopping"
             : up_text(known == nullptr ? std::nullopt : known->up_ms);
}

} // namespace

std::string rate_of(const std::optional<double>& value) {
  return !value          ? "-"
         : *value < 9.95 ? fmt::format("{:.1f}", *value)
                         : fmt::format("{:.0f}", *value);
}

std::string text_of(const trouble& each, std::size_t columns) {
  std::string text;
  const std::string_view head = each.is == trouble::weight::wrong ? "  wrong  " : "  waits  ";
  constexpr std::string_view rest = "         ";
  text += wrapped(
      cell_text(each.what, reason_characters)
          + (each.lasted ? fmt::format(", for {}", age_text(*each.lasted)) : ""),
      columns,
      head,
      rest);
  if (!each.why.empty()) {
    text += wrapped(
        cell_text(each.why, reason_characters), columns, "           why: ", "                ");
  }
  if (!each.next.empty()) {
    text += wrapped(each.next, columns, "          next: ", "                ");
  }
  return text;
}

std::string processes_of(const system_view& all, std::size_t columns) {
  std::string text;
  std::vector<std::string> brokers;
  for (const broker_view& each : all.brokers) {
    brokers.push_back(fmt::format(
        "{} {}", each.name, each.said ? up_text(each.said->uptime_ms) : std::string{"no answer"}));
  }
  text += wrapped(fmt::to_string(fmt::join(brokers, ", ")), columns, "  brokers  ", "           ");
  std::vector<std::string> nodes;
  for (const node_view& each : all.nodes) {
    nodes.push_back(fmt::format("{} {}", each.name, state_of(all, each)));
  }
  text += wrapped(fmt::to_string(fmt::join(nodes, ", ")), columns, "  nodes    ", "           ");
  if (!all.gateways.empty()) {
    std::vector<std::string> gateways;
    for (const std::string& each : all.gateways) {
      const auto joined = brokers_of_gateway(all, each);
      gateways.push_back(fmt::format(
          "{} {}",
          each,
          !joined           ? "unknown"
          : joined->empty() ? "away"
                            : "up"));
    }
    text +=
        wrapped(fmt::to_string(fmt::join(gateways, ", ")), columns, "  gateways ", "           ");
  }
  if (all.events) {
    text += wrapped(
        fmt::format(
            "{} events so far, kept by {}{}",
            all.events->last,
            all.journal_broker,
            all.journal ? fmt::format(
                " since {}, generation {}",
                utc_time_text(milliseconds{all.journal->since}),
                all.journal->generation)
                        : ""),
        columns,
        "  journal  ",
        "           ");
  }
  if (all.journal && all.journal->standbys) {
    text += wrapped(
        fmt::format(
            "{}; its oldest transaction has been open for {}{}",
            all.journal->standbys->empty()
                ? "commits wait for no standby: a failover loses the last of them"
                : "commits wait for the standbys " + *all.journal->standbys,
            age_text(milliseconds{static_cast<std::int64_t>(all.journal->oldest_ms.value_or(0))}),
            all.journal->sees_others.value_or(true) ? ""
                                                    : ", as far as its role may see: those of "
                                                      "other roles it cannot (GRANT pg_monitor)"),
        columns,
        "  server   ",
        "           ");
  }
  return text;
}

std::string screen_of(
    const system_view& all, const std::vector<trouble>& found, bool every, std::size_t columns) {
  std::string text = wrapped(headline(all, found), columns, "", "");
  if (!found.empty()) {
    text += '\n';
  }
  const std::size_t shown = every ? found.size() : std::min(found.size(), troubles_shown);
  for (std::size_t i = 0; i < shown; ++i) {
    text += text_of(found[i], columns);
  }
  if (found.size() > shown) {
    text += fmt::format("  and {} more: --all shows them\n", found.size() - shown);
  }
  if (verdict_on(all, found) == system_health::unreachable) {
    return text;
  }
  text += '\n' + table_within(rows_of(all), columns) + '\n';
  text += processes_of(all, columns);
  return text;
}

} // namespace troupe
