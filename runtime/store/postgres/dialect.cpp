#include "runtime/store/postgres/dialect.hpp"

#include "runtime/contains.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cstddef>
#include <fmt/format.h>
#include <optional>

namespace troupe::store {

namespace {

bool is_word(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || (c & 0x80) != 0;
}

char lower(char c) {
  return static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
}

bool is_same(std::string_view word, std::string_view keyword) {
  return std::ranges::equal(
      word, keyword, [](char one, char other) { return lower(one) == lower(other); });
}

/// The position after the next `mark`, or the end of the text.
std::size_t behind(std::string_view text, std::string_view mark, std::size_t from) {
  const std::size_t at = text.find(mark, from);
  return at == std::string_view::npos ? text.size() : at + mark.size();
}

/// A token of SQL: a word, another single character, or a whole quoted text or comment.
struct piece {
  enum class kind { word, sign, blank, comment, quoted };
  kind is = kind::sign;
  std::string_view text;
};

/// The token that starts at `at`.
piece piece_at(std::string_view sql, std::size_t at) {
  const char c = sql[at];
  const auto cut = [&](piece::kind is, std::size_t end) {
    return piece{is, sql.substr(at, end - at)};
  };
  if (c == '\'' || c == '"') {
    return cut(piece::kind::quoted, behind(sql, sql.substr(at, 1), at + 1));
  }
  if (sql.compare(at, 2, "--") == 0) {
    return cut(piece::kind::comment, behind(sql, "\n", at));
  }
  if (sql.compare(at, 2, "/*") == 0) {
    return cut(piece::kind::comment, behind(sql, "*/", at + 2));
  }
  std::size_t end = at + 1;
  if (std::isspace(static_cast<unsigned char>(c)) != 0) {
    return cut(piece::kind::blank, end);
  }
  if (!is_word(c)) {
    return cut(piece::kind::sign, end);
  }
  while (end < sql.size() && is_word(sql[end])) {
    ++end;
  }
  return cut(piece::kind::word, end);
}

bool says_nothing(const piece& one) {
  return one.is == piece::kind::blank || one.is == piece::kind::comment;
}

/// The first token at or after `at` that is neither blank nor comment, and the position after it.
std::optional<std::pair<piece, std::size_t>> next_telling(std::string_view sql, std::size_t at) {
  while (at < sql.size()) {
    const piece one = piece_at(sql, at);
    at += one.text.size();
    if (!says_nothing(one)) {
      return std::pair{one, at};
    }
  }
  return std::nullopt;
}

/// The position after `words`, if these are the next tokens at `at`.
std::optional<std::size_t>
behind_words(std::string_view sql, std::size_t at, std::initializer_list<std::string_view> words) {
  for (const std::string_view each : words) {
    const auto found = next_telling(sql, at);
    if (!found || found->first.is != piece::kind::word || !is_same(found->first.text, each)) {
      return std::nullopt;
    }
    at = found->second;
  }
  return at;
}

bool defines_a_table(std::string_view statement) {
  return behind_words(statement, 0, {"create", "table"})
         || behind_words(statement, 0, {"alter", "table"});
}

/// A type's name in the shared SQL and in PostgreSQL; whole words only.
struct type_name {
  std::string_view shared;
  std::string_view postgres;
};

constexpr std::array<type_name, 3> type_names{
    {{"integer", "BIGINT"}, {"real", "DOUBLE PRECISION"}, {"blob", "BYTEA"}}};

constexpr std::array<std::string_view, 26> words_of_the_session{
    "abort",      "begin",     "checkpoint", "close",  "cluster", "commit",  "copy",
    "deallocate", "declare",   "discard",    "end",    "execute", "fetch",   "listen",
    "load",       "lock",      "move",       "notify", "prepare", "release", "reset",
    "rollback",   "savepoint", "set",        "start",  "unlisten"};

/// The position after `sign`, if it is the next token at `at`.
std::optional<std::size_t> behind_sign(std::string_view sql, std::size_t at, char sign) {
  const auto found = next_telling(sql, at);
  return found && found->first.text == std::string_view{&sign, 1} ? std::optional{found->second}
                                                                  : std::nullopt;
}

/// The number of the placeholder (`$7`) at `at`, and the position after it.
std::optional<std::pair<std::size_t, std::size_t>>
placeholder_at(std::string_view sql, std::size_t at) {
  const auto word = behind_sign(sql, at, '$');
  if (!word || *word >= sql.size()) {
    return std::nullopt;
  }
  const std::string_view digits = piece_at(sql, *word).text;
  std::size_t number = 0;
  const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (read.ec != std::errc{} || read.ptr != digits.data() + digits.size()) {
    return std::nullopt;
  }
  return std::pair{number, *word + digits.size()};
}

/// The numbers of the placeholders in the parentheses at `at`, which must end `sql`; empty if
/// anything else is found.
std::vector<std::size_t> last_placeholders(std::string_view sql, std::size_t at) {
  std::vector<std::size_t> numbers;
  for (auto next = behind_sign(sql, at, '('); next; next = behind_sign(sql, at, ',')) {
    const auto found = placeholder_at(sql, *next);
    if (!found) {
      return {};
    }
    numbers.push_back(found->first);
    at = found->second;
  }
  const auto end = behind_sign(sql, at, ')');
  return end && !next_telling(sql, *end) ? numbers : std::vector<std::size_t>{};
}

/// The position of a word at or after `at`, outside quotes and comments.
std::optional<std::size_t> place_of(std::string_view word, std::string_view sql, std::size_t at) {
  while (at < sql.size()) {
    const piece one = piece_at(sql, at);
    if (one.is == piece::kind::word && is_same(one.text, word)) {
      return at;
    }
    at += one.text.size();
  }
  return std::nullopt;
}

} // namespace

std::vector<std::string_view> statements_of(std::string_view script) {
  std::vector<std::string_view> found;
  std::size_t start = 0;
  bool has_statement = false;
  std::size_t at = 0;
  const auto end_one = [&](std::size_t end) {
    if (has_statement) {
      found.push_back(script.substr(start, end - start));
    }
    has_statement = false;
  };
  while (at < script.size()) {
    const piece one = piece_at(script, at);
    if (one.text == ";") {
      end_one(at);
      start = at + 1;
    } else if (!says_nothing(one)) {
      has_statement = true;
    }
    at += one.text.size();
  }
  end_one(script.size());
  return found;
}

std::string first_word(std::string_view statement) {
  const auto found = next_telling(statement, 0);
  std::string word;
  if (found && found->first.is == piece::kind::word) {
    std::ranges::transform(found->first.text, std::back_inserter(word), lower);
  }
  return word;
}

bool may_run(std::string_view first_word) {
  return !contains(words_of_the_session, first_word);
}

bool changes_rows(std::string_view first_word) {
  return first_word == "insert" || first_word == "update" || first_word == "delete"
         || first_word == "merge" || first_word == "with";
}

std::string to_postgres(std::string_view statement) {
  if (!defines_a_table(statement)) {
    return std::string{statement};
  }
  std::string translated;
  for (std::size_t at = 0; at < statement.size();) {
    if (const auto end = behind_words(statement, at, {"without", "rowid"})) {
      at = *end;
      continue;
    }
    const piece one = piece_at(statement, at);
    const auto* const type = one.is != piece::kind::word
                                 ? type_names.end()
                                 : std::ranges::find_if(type_names, [&](const type_name& each) {
                                     return is_same(one.text, each.shared);
                                   });
    if (type == type_names.end()) {
      translated += one.text;
    } else {
      translated += type->postgres;
      if (type == type_names.begin()
          && behind_words(statement, at + one.text.size(), {"primary", "key"})) {
        translated += " GENERATED BY DEFAULT AS IDENTITY";
      }
    }
    at += one.text.size();
  }
  return translated;
}

std::string many_rows_of(std::string_view insert) {
  const auto begun = behind_words(insert, 0, {"insert", "into"});
  const auto values = begun ? place_of("values", insert, *begun) : std::nullopt;
  if (!values) {
    return {};
  }
  const std::vector<std::size_t> numbers = last_placeholders(insert, *values + 6);
  if (numbers.empty()) {
    return {};
  }
  std::string arrays;
  for (const std::size_t each : numbers) {
    fmt::format_to(std::back_inserter(arrays), "{}unnest(${})", arrays.empty() ? "" : ", ", each);
  }
  return fmt::format("{}SELECT {}", insert.substr(0, *values), arrays);
}

} // namespace troupe::store
