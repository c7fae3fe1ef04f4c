#include "nodes/text_table.hpp"

#include "runtime/characters.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

namespace troupe {

namespace {

constexpr std::string_view gap = "  ";
constexpr std::string_view below_row = "      ";

bool starts_character(char c) {
  return (static_cast<unsigned char>(c) & 0xc0U) != 0x80U;
}

void append(std::string& line, std::string_view cell, std::size_t width, text_table::side align) {
  const std::string blanks(width - width_of(cell), ' ');
  line += gap;
  line += align == text_table::side::right ? blanks : "";
  line += cell;
  line += align == text_table::side::left ? blanks : "";
}

} // namespace

void text_table::add(std::vector<std::string> cells) {
  for (std::string& cell : cells) {
    cell = cell_text(cell);
  }
  cells.resize(columns_.size());
  rows_.push_back({std::move(cells), ""});
}

void text_table::add_below(std::string line) {
  rows_.back().below = std::move(line);
}

std::string text_table::text(std::size_t columns) const {
  std::vector<std::size_t> widths;
  std::size_t fitting = 0;
  std::size_t taken = 0;
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    widths.push_back(width_of(columns_[i].heading));
    for (const row& each : rows_) {
      widths[i] = std::max(widths[i], width_of(each.cells[i]));
    }
    taken += gap.size() + widths[i];
    fitting += taken <= columns && fitting == i ? 1U : 0U;
  }
  fitting = std::max<std::size_t>(fitting, 1);
  std::string text;
  const auto add_line = [&](const auto& cell_at) {
    std::string line;
    for (std::size_t i = 0; i < fitting; ++i) {
      append(line, cell_at(i), widths[i], columns_[i].align);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + '\n';
  };
  add_line([&](std::size_t i) -> std::string_view { return columns_[i].heading; });
  for (const row& each : rows_) {
    add_line([&](std::size_t i) -> std::string_view { return each.cells[i]; });
    std::string rest;
    for (std::size_t i = fitting; i < columns_.size(); ++i) {
      if (each.cells[i] != "-") {
        rest +=
            fmt::format("{}{} {}", rest.empty() ? "" : ", ", columns_[i].heading, each.cells[i]);
      }
    }
    text += rest.empty() ? "" : wrapped(rest, columns, below_row, below_row);
    text += each.below.empty() ? "" : each.below + '\n';
  }
  return text;
}

std::string text_table::for_terminal() const {
  return text(terminal_columns(std::string::npos));
}

std::size_t width_of(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), starts_character));
}

std::string_view first_characters(std::string_view text, std::size_t most) {
  std::size_t characters = 0;
  const auto end = std::find_if(
      text.begin(), text.end(), [&](char c) { return starts_character(c) && ++characters > most; });
  return text.substr(0, static_cast<std::size_t>(end - text.begin()));
}

std::string cell_text(std::string_view text, std::size_t most) {
  text = text.substr(0, text.find('\n'));
  if (text.empty()) {
    return "-";
  }
  std::string cell;
  std::size_t characters = 0;
  while (!text.empty()) {
    const std::string_view next = text.substr(0, first_character(text).bytes);
    if (++characters > most) {
      return cell + "...";
    }
    cell += is_all_shown(next) ? next : "?";
    text.remove_prefix(next.size());
  }
  return cell;
}

std::string
wrapped(std::string_view text, std::size_t columns, std::string_view first, std::string_view rest) {
  std::string lines;
  std::string_view head = first;
  do {
    const std::size_t room = std::max<std::size_t>(columns, width_of(head) + 8) - width_of(head);
    std::string_view line = first_characters(text, room);
    if (line.size() < text.size() && text[line.size()] != ' ') {
      const std::size_t blank = line.rfind(' ');
      line = blank == std::string_view::npos || blank == 0 ? line : line.substr(0, blank);
    }
    text.remove_prefix(line.size());
    text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
    lines += fmt::format("{}{}\n", head, line);
    head = rest;
  } while (!text.empty());
  return lines;
}

std::size_t terminal_columns(std::size_t otherwise) {
  winsize size{};
  return ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col
                                                                           : otherwise;
}

std::string age_text(milliseconds age) {
  const auto millis = std::max<std::int64_t>(age.count(), 0);
  const std::int64_t seconds = millis / 1'000;
  const std::int64_t minutes = seconds / 60;
  const std::int64_t hours = minutes / 60;
  if (seconds == 0) {
    return fmt::format("{}ms", millis);
  }
  if (minutes == 0) {
    return fmt::format("{}s", seconds);
  }
  if (hours == 0) {
    return fmt::format("{}m {}s", minutes, seconds % 60);
  }
  if (hours < 24) {
    return fmt::format("{}h {}m", hours, minutes % 60);
  }
  return fmt::format("{}d {}h", hours / 24, hours % 24);
}

} // namespace troupe
