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

  /// @param cells one for each column; what a terminal could take for a command is replaced.
  void add(std::vector<std::string> cells);

  /// Adds a line below the last row.
  void add_below(std::string line);

  bool empty() const { return rows_.empty(); }

  /// A line for the headings and one for each row, each behind two blanks.
  ///
  /// @param columns of the terminal: last cells that do not fit stand below their row, each behind
  /// its heading.
  std::string text(std::size_t columns = std::string::npos) const;

  /// The text for the terminal behind stdout, if there is one.
  std::string for_terminal() const;

private:
  std::vector<column> columns_;

  struct row {
    std::vector<std::string> cells;
    std::string below;
  };

  std::vector<row> rows_;
};

/// The columns that `text` takes on a terminal, about: one for each code point, two for those of
/// East Asia and for pictures, none for marks.
std::size_t width_of(std::string_view text);

/// The beginning of `text` that takes at most `most` columns on a terminal, about.
std::string_view first_characters(std::string_view text, std::size_t most);

/// The first line of `text`, at most `most` columns of it, with `?` for characters that are not
/// shown as themselves (`character::is_shown`); "-" for nothing.
std::string cell_text(std::string_view text, std::size_t most = 200);

/// `text` in lines of at most `columns` characters, broken at blanks, each with its line end. A
/// word that is longer is broken where it must be.
/// @param first what the first line begins with. @param rest what the others begin with.
std::string
wrapped(std::string_view text, std::size_t columns, std::string_view first, std::string_view rest);

/// The lines of `text`, each that is wider than `columns` as several, the others of which are
/// indented further than the first.
std::string fitted(std::string_view text, std::size_t columns);

/// `text` as one word of a shell: in quotes if a shell would read it differently.
std::string shell_word(std::string_view text);

/// The width of the terminal behind stdout now; `otherwise` if there is none.
std::size_t terminal_columns(std::size_t otherwise);

/// The lines of the terminal behind stdout now; `otherwise` if there is none.
std::size_t terminal_rows(std::size_t otherwise);

/// Whether `descriptor` is a terminal whose cursor can be moved: not one that TERM calls `dumb`, as
/// in an editor or the terminal that a build server makes.
bool draws_in_place(int descriptor);

/// "850ms", "12s", "3m 12s", "2h 5m", "4d 3h".
std::string age_text(milliseconds age);

} // namespace troupe
