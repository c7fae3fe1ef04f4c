#include "nodes/commands/status/tables.hpp"

#include "nodes/text_table.hpp"
#include "runtime/contains.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <vector>

namespace troupe {

namespace {

using nlohmann::ordered_json;

std::string text_of(const ordered_json& value) {
  if (value.is_string()) {
    return value.get<std::string>();
  }
  return value.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

bool is_table(const ordered_json& value) {
  return value.is_array() && !value.empty() && value.front().is_object();
}

/// The text of a row's cell under `column`; "-" if the row has none or has a table there.
std::string cell_of(const ordered_json& row, const std::string& column) {
  constexpr std::size_t longest = 4'096; // The reasons for which something is down say what to do.
  const auto found = row.find(column);
  return found == row.end() || is_table(*found) ? "-" : cell_text(text_of(*found), longest);
}

/// Prints a list of objects, one per line, followed by a table for each nested list.
void print_table(const std::string& title, const ordered_json& rows) {
  std::vector<std::string> columns;
  for (const ordered_json& row : rows) {
    for (const auto& [key, value] : row.items()) {
      if (!is_table(value) && !contains(columns, key)) {
        columns.push_back(key);
      }
    }
  }
  std::vector<std::size_t> widths;
  for (const std::string& column : columns) {
    std::size_t width = column.size();
    for (const ordered_json& row : rows) {
      width = std::max(width, width_of(cell_of(row, column)));
    }
    const bool is_last = widths.size() + 1 == columns.size(); // The last column needs no padding.
    widths.push_back(is_last ? 0 : width);
  }
  fmt::print("  {}\n   ", title);
  for (std::size_t i = 0; i < columns.size(); ++i) {
    fmt::print(" {:<{}}", columns[i], widths[i]);
  }
  fmt::print("\n");
  for (const ordered_json& row : rows) {
    fmt::print("   ");
    for (std::size_t i = 0; i < columns.size(); ++i) {
      fmt::print(" {:<{}}", cell_of(row, columns[i]), widths[i]);
    }
    fmt::print("\n");
  }
  for (const ordered_json& row : rows) {
    for (const auto& [key, value] : row.items()) {
      if (is_table(value)) {
        // The first entry of a row is its name.
        print_table(fmt::format("{} of {}", key, text_of(row.begin().value())), value);
      }
    }
  }
}

} // namespace

void print_tables(const std::string& title, const ordered_json& said) {
  fmt::print("\n{}\n", title);
  for (const auto& [key, value] : said.items()) {
    if (value.is_object()) {
      fmt::print("  {}\n", key);
      for (const auto& [inner, figure] : value.items()) {
        fmt::print("    {}: {}\n", inner, text_of(figure));
      }
    } else if (!is_table(value)) {
      fmt::print("  {}: {}\n", key, text_of(value));
    }
  }
  for (const auto& [key, value] : said.items()) {
    if (is_table(value)) {
      print_table(key, value);
    }
  }
}

} // namespace troupe
