#include "runtime/store/sqlite/placeholders.hpp"

#include "runtime/store/database.hpp"

#include <bitset>
#include <cctype>
#include <cstddef>
#include <fmt/format.h>

namespace troupe::store {

namespace {

constexpr int parameters_max = 999;

[[noreturn]] void refuse(const std::string& sql, const std::string& why) {
  throw database_error{database_fault::schema, fmt::format("{} (in: {})", why, sql)};
}

bool starts_name(char c) {
  return std::isalpha(static_cast<unsigned char>(c)) != 0 || c == '_' || (c & 0x80) != 0;
}

bool is_digit(char c) {
  return std::isdigit(static_cast<unsigned char>(c)) != 0;
}

/// The position after the quoted text that starts at `at`. A doubled quote is read as the start of
/// another quoted text, which gives the same result.
std::size_t after_quoted(const std::string& sql, std::size_t at) {
  const auto end = sql.find(sql[at], at + 1);
  return end == std::string::npos ? sql.size() : end + 1;
}

std::size_t after_name(const std::string& sql, std::size_t at) {
  while (at < sql.size() && (starts_name(sql[at]) || is_digit(sql[at]) || sql[at] == '$')) {
    ++at;
  }
  return at;
}

std::size_t after(const std::string& sql, std::size_t at, const char* mark, std::size_t length) {
  const auto end = sql.find(mark, at + 2);
  return end == std::string::npos ? sql.size() : end + length;
}

/// The position after the token at `at`, if that token cannot contain a placeholder.
std::size_t after_inert(const std::string& sql, std::size_t at) {
  const auto current = sql[at];
  if (current == '\'' || current == '"') {
    return after_quoted(sql, at);
  }
  if (sql.compare(at, 2, "--") == 0) {
    return after(sql, at, "\n", 1);
  }
  if (sql.compare(at, 2, "/*") == 0) {
    return after(sql, at, "*/", 2);
  }
  return starts_name(current) ? after_name(sql, at) : at;
}

} // namespace

int rewrite_placeholders(std::string& sql) {
  std::bitset<parameters_max + 1> used;
  int highest = 0;
  for (std::size_t at = 0; at < sql.size();) {
    if (const auto next = after_inert(sql, at); next != at) {
      at = next;
      continue;
    }
    const auto current = sql[at++];
    if (current == '?' || current == '@' || current == ':') {
      refuse(sql, fmt::format("placeholders are $1, $2 ..., not '{}'", current));
    }
    if (current != '$') {
      continue;
    }
    const auto sign = at - 1;
    int number = 0;
    for (; at < sql.size() && is_digit(sql[at]) && number <= parameters_max; ++at) {
      number = number * 10 + (sql[at] - '0');
    }
    if (number < 1 || number > parameters_max) {
      refuse(sql, fmt::format("a placeholder is $1 to ${}", parameters_max));
    }
    sql[sign] = '?';
    used.set(static_cast<std::size_t>(number));
    highest = number > highest ? number : highest;
  }
  for (int number = 1; number <= highest; ++number) {
    if (!used.test(static_cast<std::size_t>(number))) {
      refuse(
          sql,
          fmt::format("${} is used but ${} is not: number them without gaps", highest, number));
    }
  }
  return highest;
}

} // namespace troupe::store
