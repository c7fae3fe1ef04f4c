#pragma once

#include "runtime/clock.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace troupe {

/// Rows of words under headings, aligned for a terminal: numbers to the right, words to the left.
class text_table {
public:
  enum class side : std::uint8_t { left, right };

  struct column {
    std::string heading;
    side align = side::left;
  };

  explicit text_table(std::vector<column> columns) : columns_{std::move(columns)} {}

  /// @param cells one for each column; control characters are replaced.
  void add(std::vector<std::string> cells);

  /// Adds a line below the last row.
  void add_below(std::string line);

  bool empty() const { return rows_.empty(); }

  /// The headings and one line per row, each indented by two blanks.
  ///
  /// @param columns of the terminal: last cells that do not fit are written below their row, after
  /// their heading.
  std::string text(std::size_t columns = std::string::npos) const;

  /// The text, fitted to the terminal of stdout, if there is one.
  std::string for_terminal() const;

private:
  std::vector<column> columns_;

  struct row {
    std::vector<std::string> cells;
    std::string below;
  };

  std::vector<row> rows_;
};

/// The approximate width of `text` on a terminal: one column for each code point, two for East
/// Asian characters and emoji, none for combining marks.
std::size_t width_of(std::string_view text);

/// The beginning of `text` that takes about `most` columns on a terminal.
std::string_view first_characters(std::string_view text, std::size_t most);

/// The first line of `text`, at most `most` columns of it, with `?` for characters that cannot be
/// shown (`character::is_shown`); "-" if empty.
std::string cell_text(std::string_view text, std::size_t most = 200);

/// `text` in lines of at most `columns` characters, broken at blanks, each with its line end.
/// Longer words are broken as well.
/// @param first the beginning of the first line.
/// @param rest the beginning of the other lines.
std::string
wrapped(std::string_view text, std::size_t columns, std::string_view first, std::string_view rest);

/// The lines of `text`; a line wider than `columns` is split, and its continuation is indented
/// further.
std::string fitted(std::string_view text, std::size_t columns);

/// `text` as one word for a shell, quoted if needed.
std::string shell_word(std::string_view text);

/// The width of the terminal of stdout; `otherwise` if there is none.
std::size_t terminal_columns(std::size_t otherwise);

/// The height of the terminal of stdout in lines; `otherwise` if there is none.
std::size_t terminal_rows(std::size_t otherwise);

/// Whether `descriptor` is a terminal whose cursor can be moved: not one that TERM calls `dumb`, as
/// in an editor or the terminal that a build server makes.
bool draws_in_place(int descriptor);

/// "850ms", "12s", "3m 12s", "2h 5m", "4d 3h".
std::string age_text(milliseconds age);

} // namespace troupe
