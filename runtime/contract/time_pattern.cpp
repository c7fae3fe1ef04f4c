#include "runtime/contract/time_pattern.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <fmt/format.h>
#include <string>

namespace troupe::contract {

namespace {

constexpr std::string_view letters = "yuMLdDHhkKmsSnaEzZXx";

bool is_letter(char letter) {
  return (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z');
}

bool is_digit(char letter) {
  return letter >= '0' && letter <= '9';
}

constexpr std::array<std::string_view, 12> months{
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December"};
constexpr std::array<std::string_view, 7> weekdays{
    "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"};

/// Reads a text piece by piece according to a pattern.
class time_reader {
public:
  explicit time_reader(std::string_view text) : left_{text} {}

  bool literal(std::string_view wanted) {
    if (left_.substr(0, wanted.size()) != wanted) {
      return false;
    }
    left_.remove_prefix(wanted.size());
    return true;
  }

  bool field(char letter, std::size_t width) {
    switch (letter) {
    case 'y':
    case 'u':
      return width == 2 ? number(2, 2, 0, 99, &year_)
                        : number(width, std::max<std::size_t>(width, 4), 0, 9999, &year_);
    case 'M':
    case 'L':
      return width >= 3 ? name(months, width >= 4, &month_) : number(width, 2, 1, 12, &month_);
    case 'd':
      return number(width, 2, 1, 31, &day_);
    case 'D':
      return number(width, 3, 1, 366);
    case 'H':
      return number(width, 2, 0, 23);
    case 'k':
      return number(width, 2, 1, 24);
    case 'h':
      return number(width, 2, 1, 12);
    case 'K':
      return number(width, 2, 0, 11);
    case 'm':
    case 's':
      return number(width, 2, 0, 59);
    case 'S':
    case 'n':
      return number(width, letter == 'n' ? 9 : width, 0, 999'999'999);
    case 'a':
      return literal("AM") || literal("PM") || literal("am") || literal("pm");
    case 'E':
      return name(weekdays, width >= 4);
    case 'z':
      return literal("UTC") || literal("GMT") || zone_name() || offset(3);
    case 'Z':
      return offset(width <= 3 ? 2 : 3);
    case 'X':
      return literal("Z") || offset(width);
    case 'x':
      return offset(width);
    default:
      return false;
    }
  }

  bool is_complete() const { return left_.empty() && day_ <= days_of_month(); }

private:
  bool number(
      std::size_t least_digits,
      std::size_t most_digits,
      std::int64_t least,
      std::int64_t most,
      std::int64_t* to = nullptr) {
    std::size_t digits = 0;
    std::int64_t value = 0;
    while (digits < left_.size() && digits < std::max(least_digits, most_digits) && digits < 18
           && is_digit(left_[digits])) {
      value = value * 10 + (left_[digits] - '0');
      ++digits;
    }
    if (digits < least_digits || value < least || value > most) {
      return false;
    }
    left_.remove_prefix(digits);
    if (to != nullptr) {
      *to = value;
    }
    return true;
  }

  template <class Names>
  bool name(const Names& all, bool is_long, std::int64_t* to = nullptr) {
    for (std::size_t i = 0; i < all.size(); ++i) {
      if (literal(is_long ? all[i] : all[i].substr(0, 3))) {
        if (to != nullptr) {
          *to = static_cast<std::int64_t>(i) + 1;
        }
        return true;
      }
    }
    return false;
  }

  /// "CET", "Europe/Berlin".
  bool zone_name() {
    std::size_t length = 0;
    while (length < left_.size()
           && (is_letter(left_[length]) || left_[length] == '/' || left_[length] == '_')) {
      ++length;
    }
    left_.remove_prefix(length);
    return length >= 2;
  }

  /// "+01" for 1, "+0100" for 2, "+01:00" for 3.
  bool offset(std::size_t width) {
    if (left_.empty() || (left_.front() != '+' && left_.front() != '-')) {
      return false;
    }
    left_.remove_prefix(1);
    if (!number(2, 2, 0, 18)) {
      return false;
    }
    return width == 1 || ((width == 2 || literal(":")) && number(2, 2, 0, 59));
  }

  std::int64_t days_of_month() const {
    if (month_ == 2) {
      const bool is_leap = (year_ % 4 == 0 && year_ % 100 != 0) || year_ % 400 == 0;
      return is_leap ? 29 : 28;
    }
    return month_ == 4 || month_ == 6 || month_ == 9 || month_ == 11 ? 30 : 31;
  }

  std::string_view left_;
  std::int64_t year_ = 2000; // A leap year, for patterns without a year.
  std::int64_t month_ = 1;
  std::int64_t day_ = 1;
};

/// Walks `pattern`, calling `field(letter, width)` or `literal(text)` for each piece, until one
/// returns false.
template <class Field, class Literal>
bool walk(std::string_view pattern, const Field& field, const Literal& literal) {
  while (!pattern.empty()) {
    const char letter = pattern.front();
    std::size_t taken = 1;
    if (letter == '\'') {
      std::string quoted;
      std::size_t at = 1;
      const auto is_doubled = [&] { return pattern.substr(at, 2) == "''"; };
      while (at < pattern.size() && (pattern[at] != '\'' || is_doubled())) {
        quoted += pattern[at];
        at += pattern[at] == '\'' ? 2 : 1;
      }
      if (!literal(quoted.empty() ? "'" : quoted)) {
        return false;
      }
      taken = std::min(pattern.size(), at + 1);
    } else if (is_letter(letter)) {
      taken = std::min(pattern.find_first_not_of(letter), pattern.size());
      if (!field(letter, taken)) {
        return false;
      }
    } else if (!literal(pattern.substr(0, 1))) {
      return false;
    }
    pattern.remove_prefix(taken);
  }
  return true;
}

} // namespace

outcome<void> check_time_pattern(std::string_view pattern) {
  if (std::ranges::count(pattern, '\'') % 2 != 0) {
    return failure{invalid(fmt::format("a quote of the time pattern `{}` is not closed", pattern))};
  }
  char unknown = 0;
  walk(
      pattern,
      [&](char letter, std::size_t) {
        unknown = letters.find(letter) == std::string_view::npos ? letter : '\0';
        return unknown == 0;
      },
      [](std::string_view) { return true; });
  if (unknown != 0) {
    return failure{invalid(
        fmt::format("the letter `{}` of the time pattern `{}` is not known", unknown, pattern))};
  }
  return {};
}

bool fits_time_pattern(std::string_view text, std::string_view pattern) {
  time_reader reader{text};
  const bool fits = walk(
      pattern,
      [&](char letter, std::size_t width) { return reader.field(letter, width); },
      [&](std::string_view wanted) { return reader.literal(wanted); });
  return fits && reader.is_complete();
}

} // namespace troupe::contract
