#include "nodes/text_table.hpp"

#include "runtime/characters.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

namespace troupe {

namespace {

constexpr std::string_view gap = "  ";
constexpr std::string_view below_row = "      ";

struct code_points {
  char32_t first;
  char32_t last;
};

template <std::size_t N>
bool is_among(char32_t number, const std::array<code_points, N>& ranges) {
  return std::ranges::any_of(ranges, [number](const code_points& each) {
    return number >= each.first && number <= each.last;
  });
}

// Characters two columns wide: East Asian scripts, and emoji.
// @source Unicode Standard Annex 11 (East Asian Width), W and F, in rough ranges.
constexpr std::array<code_points, 14> wide{
    {{0x1100, 0x115f},
     {0x2e80, 0x303e},
     {0x3041, 0x33ff},
     {0x3400, 0x4dbf},
     {0x4e00, 0xa4cf},
     {0xa960, 0xa97c},
     {0xac00, 0xd7a3},
     {0xf900, 0xfaff},
     {0xfe30, 0xfe6f},
     {0xff01, 0xff60},
     {0xffe0, 0xffe6},
     {0x1f300, 0x1f64f},
     {0x1f680, 0x1f9ff},
     {0x20000, 0x3fffd}}};

// Combining marks, which take no column.
constexpr std::array<code_points, 4> marks{
    {{0x0300, 0x036f}, {0x1ab0, 0x1aff}, {0x20d0, 0x20ff}, {0xfe00, 0xfe0f}}};

std::size_t columns_of(char32_t number) {
  return number < marks[0].first ? 1 : is_among(number, marks) ? 0 : is_among(number, wide) ? 2 : 1;
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
  std::size_t columns = 0;
  for (std::size_t at = 0; at < text.size();) {
    const character next = first_character(text.substr(at));
    columns += columns_of(next.code);
    at += next.bytes;
  }
  return columns;
}

std::string_view first_characters(std::string_view text, std::size_t most) {
  std::size_t columns = 0;
  std::size_t at = 0;
  while (at < text.size()) {
    const character next = first_character(text.substr(at));
    columns += columns_of(next.code);
    if (columns > most) {
      break;
    }
    at += next.bytes;
  }
  return text.substr(0, at);
}

std::string cell_text(std::string_view text, std::size_t most) {
  text = text.substr(0, text.find('\n'));
  if (text.empty()) {
    return "-";
  }
  std::string cell;
  std::size_t columns = 0;
  while (!text.empty()) {
    const character first = first_character(text);
    const std::string_view next = text.substr(0, first.bytes);
    const bool is_shown = is_all_shown(next);
    columns += is_shown ? columns_of(first.code) : 1;
    if (columns > most) {
      return cell + "...";
    }
    cell += is_shown ? next : "?";
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

std::string fitted(std::string_view text, std::size_t columns) {
  std::string lines;
  while (!text.empty()) {
    std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    const std::string indent(std::min(line.find_first_not_of(' '), line.size()), ' ');
    line.remove_prefix(indent.size());
    lines += wrapped(line, columns, indent, indent + "    ");
  }
  return lines;
}

std::string shell_word(std::string_view text) {
  constexpr std::string_view plain = "@%_-+=:,./"
                                     "0123456789"
                                     "abcdefghijklmnopqrstuvwxyz"
                                     "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
  if (!text.empty() && text.find_first_not_of(plain) == std::string_view::npos) {
    return std::string{text};
  }
  std::string word = "'";
  for (const char c : text) {
    word += c == '\'' ? std::string{"'\\''"} : std::string(1, c);
  }
  return word + "'";
}

std::size_t terminal_columns(std::size_t otherwise) {
  winsize size{};
  return ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col
                                                                           : otherwise;
}

std::size_t terminal_rows(std::size_t otherwise) {
  winsize size{};
  return ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 0 ? size.ws_row
                                                                           : otherwise;
}

bool draws_in_place(int descriptor) {
  const char* const kind = std::getenv("TERM"); // NOLINT(concurrency-mt-unsafe): nobody sets any.
  return ::isatty(descriptor) == 1 && kind != nullptr && std::string_view{kind} != "dumb";
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
