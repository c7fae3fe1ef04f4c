#include "nodes/commands/top/board.hpp"

#include "nodes/commands/status/rows.hpp"
#include "nodes/commands/status/screen.hpp"
#include "nodes/commands/traces/waterfall.hpp"
#include "nodes/text_table.hpp"
#include "runtime/contains.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <map>
#include <optional>
#include <string_view>

namespace troupe {

namespace {

using tone = board_line::tone;
using board_lines = std::vector<board_line>;

constexpr std::size_t sagas_shown_at_once = 5;
constexpr std::size_t name_characters_most = 32;
constexpr std::size_t name_characters_least = 10;

/// A capability, and its state on each node.
struct grid_row {
  capability_row all;
  std::vector<capability_place> places;

  bool is_well() const {
    return all.state == "ok" && all.dead_letters.value_or(0) == 0 && all.sagas.value_or(0) == 0
           && std::ranges::all_of(places, [](const capability_place& each) {
                return each.is == capability_place::kind::ok;
              });
  }
};

/// How much of the grid is shown; the first form that fits is used.
struct grid_form {
  /// Details per node, 0 to 3: nothing; state; also rate; also running calls and p99.
  int of_nodes;
  /// Details per capability, 0 to 2: state; also rate, queue and p99; also waiting matters.
  int of_capability;
};

constexpr grid_form grid_forms[]{{3, 2}, {2, 2}, {1, 2}, {1, 1}, {0, 2}, {0, 1}, {0, 0}};

template <class Value>
std::string number_text(const std::optional<Value>& value) {
  return value ? fmt::format("{}", *value) : std::string{"-"};
}

std::string micros_text(const std::optional<std::uint64_t>& micros) {
  return micros ? span_time_text(static_cast<std::int64_t>(*micros) * 1'000) : "-";
}

std::vector<std::string> lines_in(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    lines.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

void add_lines(board_lines& to, std::string_view text, tone as) {
  for (std::string& each : lines_in(text)) {
    to.push_back({std::move(each), as});
  }
}

/// The nodes that have a column: those that run a capability.
std::vector<std::string> nodes_in(const std::vector<grid_row>& rows, const system_view& all) {
  std::vector<std::string> nodes;
  for (const node_view& each : all.nodes) {
    if (std::ranges::any_of(rows, [&](const grid_row& row) {
          return contains(row.places, each.name, &capability_place::node);
        })) {
      nodes.push_back(each.name);
    }
  }
  return nodes;
}

void add_cells(
    std::vector<std::string>& cells, const grid_row& row, const std::string& node, int how) {
  const auto found = std::ranges::find(row.places, node, &capability_place::node);
  if (found == row.places.end()) {
    cells.resize(cells.size() + static_cast<std::size_t>(how == 3 ? 4 : how), "\xc2\xb7"); // A dot.
    return;
  }
  cells.push_back(found->word);
  if (how >= 2) {
    cells.push_back(rate_of(found->rate_per_s));
  }
  if (how == 3) {
    cells.push_back(fmt::format("{}/{}", found->in_hand, found->credit));
    cells.push_back(micros_text(found->p99_us));
  }
}

std::vector<text_table::column> columns_of(const std::vector<std::string>& nodes, grid_form form) {
  using side = text_table::side;
  std::vector<text_table::column> columns{{"capability"}, {"state"}};
  if (form.of_capability >= 1) {
    columns.insert(
        columns.end(), {{"per s", side::right}, {"queue", side::right}, {"p99", side::right}});
  }
  if (form.of_capability >= 2) {
    columns.insert(
        columns.end(), {{"lag", side::right}, {"dead", side::right}, {"sagas", side::right}});
  }
  for (const std::string& each : nodes) {
    if (form.of_nodes >= 1) {
      columns.push_back({cell_text(each, name_characters_least)});
    }
    if (form.of_nodes >= 2) {
      columns.push_back({"per s", side::right});
    }
    if (form.of_nodes == 3) {
      columns.push_back({"in hand", side::right});
      columns.push_back({"p99", side::right});
    }
  }
  return columns;
}

std::vector<std::string> grid_in(
    const std::vector<grid_row>& rows,
    const std::vector<std::string>& nodes,
    grid_form form,
    std::size_t name_characters) {
  text_table table{columns_of(nodes, form)};
  for (const grid_row& row : rows) {
    std::vector<std::string> cells{
        cell_text(row.all.name, name_characters),
        fmt::format("{} {}/{}", row.all.state, row.all.nodes_serving, row.all.nodes_meant)};
    if (form.of_capability >= 1) {
      cells.push_back(rate_of(row.all.rate_per_s));
      cells.push_back(number_text(row.all.queue));
      cells.push_back(micros_text(row.all.p99_us));
    }
    if (form.of_capability >= 2) {
      cells.push_back(number_text(row.all.lag));
      cells.push_back(number_text(row.all.dead_letters));
      cells.push_back(number_text(row.all.sagas) + (row.all.has_more_sagas ? "+" : ""));
    }
    for (const std::string& each : nodes) {
      if (form.of_nodes > 0) {
        add_cells(cells, row, each, form.of_nodes);
      }
    }
    table.add(std::move(cells));
  }
  return lines_in(table.text());
}

std::size_t widest_of(const std::vector<std::string>& lines) {
  std::size_t most = 0;
  for (const std::string& each : lines) {
    most = std::max(most, width_of(each));
  }
  return most;
}

struct fitting_grid {
  std::vector<std::string> lines;
  /// Whether columns were left out.
  bool is_part = false;
};

/// The grid in the fullest form that fits: names are shortened first, then columns are left out.
fitting_grid grid_within(
    const std::vector<grid_row>& rows, const std::vector<std::string>& nodes, std::size_t columns) {
  fitting_grid made;
  for (const grid_form& each : grid_forms) {
    made.lines = grid_in(rows, nodes, each, name_characters_most);
    const std::size_t width = widest_of(made.lines);
    std::size_t longest = 0;
    for (const grid_row& row : rows) {
      longest = std::max(longest, std::min(width_of(row.all.name), name_characters_most + 3));
    }
    constexpr std::size_t dots = 3;
    const std::size_t excess = width > columns ? width - columns + dots : 0;
    if (excess > 0 && longest >= excess + name_characters_least) {
      made.lines = grid_in(rows, nodes, each, longest - excess);
    }
    if (widest_of(made.lines) <= columns) {
      return made;
    }
    made.is_part = true;
  }
  return made;
}

std::vector<grid_row> grid_rows_of(const system_view& all) {
  std::vector<grid_row> rows;
  std::vector<capability_row> summaries = rows_of(all);
  for (std::size_t i = 0; i < summaries.size(); ++i) {
    rows.push_back({std::move(summaries[i]), places_of(all, all.capabilities[i])});
  }
  return rows;
}

/// Keeps the first `most` rows: unhealthy ones first, then the busiest.
/// @return what is left out, in words; empty if nothing is.
std::string keep_first(std::vector<grid_row>& rows, std::size_t most) {
  if (rows.size() <= most) {
    return "";
  }
  std::ranges::stable_sort(rows, [](const grid_row& one, const grid_row& other) {
    return one.is_well() != other.is_well()
               ? other.is_well()
               : one.all.rate_per_s.value_or(0) > other.all.rate_per_s.value_or(0);
  });
  const auto left_out = static_cast<std::size_t>(std::count_if(
      rows.begin() + static_cast<std::ptrdiff_t>(most), rows.end(), [](const auto& each) {
        return !each.is_well();
      }));
  const std::size_t count = rows.size() - most;
  rows.resize(most);
  return left_out == 0 ? fmt::format("  and {} more, which are well", count)
                       : fmt::format("  and {} more, of which {} are not well", count, left_out);
}

/// @param room for lines; at least one.
board_lines grid_of(const system_view& all, board_room room) {
  std::vector<grid_row> rows = grid_rows_of(all);
  const bool fits = rows.size() + 1 <= room.rows;
  const std::size_t most = fits ? rows.size() : std::max<std::size_t>(room.rows, 3) - 2;
  const std::string rest = keep_first(rows, most);
  const fitting_grid grid = grid_within(rows, nodes_in(rows, all), room.columns);
  board_lines lines;
  for (std::size_t i = 0; i < grid.lines.size(); ++i) {
    const bool is_bad = i > 0 && !rows[i - 1].is_well();
    lines.push_back({grid.lines[i], i == 0 ? tone::quiet : is_bad ? tone::waits : tone::plain});
    if (is_bad && rows[i - 1].all.state != "ok") {
      lines.back().as = tone::bad;
    }
  }
  if (!rest.empty()) {
    lines.push_back({rest, tone::quiet});
  }
  if (grid.is_part) {
    lines.push_back({"  a wider one shows more", tone::quiet});
  }
  return lines;
}

/// The text that nodes reported, or `none`, and the nodes whose report is missing.
std::string as_far_as_told(const std::string& told, std::string_view none, const system_view& all) {
  std::vector<std::string> silent;
  for (const node_view& each : all.nodes) {
    if (!each.said) {
      silent.push_back(cell_text(each.name, 40));
    }
  }
  if (silent.empty()) {
    return told.empty() ? std::string{none} : told;
  }
  if (told.empty() && silent.size() == all.nodes.size()) {
    return "not known: no node answers";
  }
  constexpr std::size_t named_most = 3;
  const std::size_t named = std::min(silent.size(), named_most);
  return fmt::format(
      "{}; not known of {}{}",
      told.empty() ? none : std::string_view{told},
      fmt::join(silent.begin(), silent.begin() + static_cast<std::ptrdiff_t>(named), ", "),
      silent.size() == named ? "" : fmt::format(" and {} more", silent.size() - named));
}

void add_breakers(board_lines& to, const system_view& all, std::size_t columns) {
  std::vector<std::string> told;
  for (const capability_view& capability : all.capabilities) {
    for (const std::string& name : capability.nodes) {
      const node_view* const node = find_node(all, name);
      const auto* const group = node == nullptr ? nullptr : group_of(*node, capability.name);
      if (group != nullptr && group->breaker != "closed" && group->breaker != "down") {
        std::string state = group->breaker;
        std::ranges::replace(state, '_', ' ');
        told.push_back(fmt::format(
            "{} on {} {}{}",
            capability.name,
            name,
            state,
            group->forced_by.empty() ? "" : " by " + cell_text(group->forced_by, 40)));
      }
    }
  }
  add_lines(
      to,
      wrapped(
          as_far_as_told(fmt::to_string(fmt::join(told, ", ")), "all closed", all),
          columns,
          "  breakers ",
          "           "),
      told.empty() ? tone::plain : tone::waits);
}

void add_sagas(board_lines& to, const system_state& now, std::size_t columns) {
  struct count_of_state {
    std::uint64_t count = 0;
    bool has_more = false;
  };

  std::map<std::string, count_of_state> by_state;
  std::vector<const placed_saga*> standing;
  for (const placed_saga& each : now.sagas) {
    const bool still = stands_still(each.saga.state);
    count_of_state& one = by_state[each.saga.state];
    ++one.count;
    one.has_more = still ? now.has_more_standing : now.has_more_running;
    if (still) {
      standing.push_back(&each);
    }
  }
  if (const std::uint64_t queued = queued_sagas(now.answers.view); queued != 0) {
    by_state["queued"] = {.count = queued}; // Nodes list only some of them, but count all.
  }
  std::vector<std::string> counts;
  for (const auto& [state, how_many] : by_state) {
    std::string words = state;
    std::ranges::replace(words, '_', ' ');
    counts.push_back(
        fmt::format("{}{} {}", how_many.count, how_many.has_more ? " or more" : "", words));
  }
  add_lines(
      to,
      wrapped(
          as_far_as_told(
              fmt::to_string(fmt::join(counts, ", ")), "none under way", now.answers.view),
          columns,
          "  sagas    ",
          "           "),
      standing.empty() ? tone::plain : tone::waits);
  for (std::size_t i = 0; i < std::min(standing.size(), sagas_shown_at_once); ++i) {
    const wire::standing_saga& saga = standing[i]->saga;
    std::string state = saga.state;
    std::ranges::replace(state, '_', ' ');
    add_lines(
        to,
        wrapped(
            cell_text(
                fmt::format(
                    "{} {} {}{}{}",
                    standing[i]->capability,
                    to_string(saga.id),
                    state,
                    saga.step.empty() ? "" : " at " + saga.step,
                    saga.reason.empty() ? "" : ": " + saga.reason),
                200),
            columns,
            "           ",
            "             "),
        tone::waits);
  }
}

void add_letters(board_lines& to, const system_view& all, std::size_t columns) {
  std::vector<std::string> told;
  std::uint64_t count = 0;
  if (all.events) {
    for (const wire::group_state& each : all.events->groups) {
      count += each.dead;
      if (each.dead > 0) {
        told.push_back(fmt::format("{} of {}", each.dead, each.capability));
      }
    }
  }
  const std::string words = !all.events  ? "not known: the journal does not answer"
                            : count == 0 ? "none"
                                         : fmt::to_string(fmt::join(told, ", "));
  add_lines(
      to,
      wrapped(words, columns, "  letters  ", "           "),
      count == 0 ? tone::plain : tone::waits);
}

/// Whole entries only: the first trouble always, others while there is room.
board_lines troubles_within(const std::vector<trouble>& found, board_room room) {
  board_lines lines;
  std::size_t shown = 0;
  for (const trouble& each : found) {
    board_lines one;
    add_lines(
        one,
        text_of(each, room.columns),
        each.is == trouble::weight::wrong ? tone::bad : tone::waits);
    const bool has_more = shown + 1 < found.size();
    if (shown > 0 && lines.size() + one.size() + (has_more ? 1 : 0) > room.rows) {
      break;
    }
    lines.insert(lines.end(), one.begin(), one.end());
    ++shown;
  }
  if (shown < found.size()) {
    lines.push_back(
        {fmt::format("  and {} more: `troupe status --all` shows them", found.size() - shown),
         tone::waits});
  }
  return lines;
}

void cut(board_lines& lines, board_room room) {
  if (lines.size() > room.rows) {
    lines.resize(room.rows);
    if (room.rows > 1) {
      lines.back() = {"  a higher one shows more", tone::quiet};
    }
  }
  for (board_line& each : lines) {
    each.text = first_characters(each.text, room.columns);
  }
}

} // namespace

std::vector<board_line>
board_of(const system_state& state, const std::string& notice, board_room room) {
  const system_view& all = state.answers.view;
  const system_health verdict = verdict_on(all, state.found);
  board_lines lines;
  add_lines(
      lines,
      wrapped(headline(all, state.found), room.columns, "", ""),
      verdict == system_health::healthy ? tone::good : tone::bad);
  if (!notice.empty()) {
    add_lines(lines, wrapped(notice, room.columns, "  ", "  "), tone::waits);
  }
  if (!state.found.empty()) {
    lines.push_back({});
    const auto troubles = troubles_within(state.found, {room.columns, room.rows / 3});
    lines.insert(lines.end(), troubles.begin(), troubles.end());
  }
  if (verdict == system_health::unreachable) {
    cut(lines, room);
    return lines;
  }
  board_lines below(1);
  add_breakers(below, all, room.columns);
  add_sagas(below, state, room.columns);
  add_letters(below, all, room.columns);
  add_lines(below, processes_of(all, room.columns), tone::plain);
  lines.push_back({});
  const std::size_t used = lines.size() + below.size();
  const board_lines grid =
      grid_of(all, {room.columns, room.rows > used ? room.rows - used : std::size_t{1}});
  lines.insert(lines.end(), grid.begin(), grid.end());
  lines.insert(lines.end(), below.begin(), below.end());
  cut(lines, room);
  return lines;
}

} // namespace troupe
