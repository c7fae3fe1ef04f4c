#include "runtime/time_text.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace troupe {

namespace {

using namespace std::chrono;
using namespace std::chrono_literals;
using std::chrono::milliseconds;

/// `count` digits of `text` from `at` on, as a number; -1 if one is not a digit.
int digits(std::string_view text, std::size_t at, std::size_t count) {
  int number = 0;
  for (const char c : text.substr(at, count)) {
    if (c < '0' || c > '9') {
      return -1;
    }
    number = number * 10 + (c - '0');
  }
  return number;
}

/// ".120" as nanoseconds; nothing if `text` is not a fraction of up to nine digits.
std::optional<nanoseconds> fraction_of(std::string_view text) {
  if (text.empty()) {
    return nanoseconds{0};
  }
  if (text.size() < 2 || text.size() > 10 || text.front() != '.') {
    return std::nullopt;
  }
  int number = digits(text, 1, text.size() - 1);
  if (number < 0) {
    return std::nullopt;
  }
  for (std::size_t i = text.size(); i < 10; ++i) {
    number *= 10;
  }
  return nanoseconds{number};
}

} // namespace

std::optional<wall_time> parse_utc_time(std::string_view text) {
  constexpr std::size_t whole = std::string_view{"2026-11-24T01:54:45"}.size();
  if (text.size() <= whole || text[4] != '-' || text[7] != '-' || text[10] != 'T' || text[13] != ':'
      || text[16] != ':' || text.back() != 'Z') {
    return std::nullopt;
  }
  const int the_year = digits(text, 0, 4);
  const int the_month = digits(text, 5, 2);
  const int the_day = digits(text, 8, 2);
  const int hour = digits(text, 11, 2);
  const int minute = digits(text, 14, 2);
  const int second = digits(text, 17, 2);
  const auto fraction = fraction_of(text.substr(whole, text.size() - whole - 1));
  if (the_year < 1970 || the_year > 2261 || the_month < 1 || the_day < 1 || hour < 0 || hour > 23
      || minute < 0 || minute > 59 || second < 0 || second > 59 || !fraction) {
    return std::nullopt;
  }
  const year_month_day date{
      year{the_year}, month{static_cast<unsigned>(the_month)}, day{static_cast<unsigned>(the_day)}};
  if (!date.ok()) {
    return std::nullopt;
  }
  return wall_time{sys_days{date}} + hours{hour} + minutes{minute} + seconds{second}
         + duration_cast<wall_time::duration>(*fraction);
}

std::string utc_time_text(wall_time time) {
  const auto date = floor<days>(time);
  const year_month_day parts{date};
  const hh_mm_ss of_day{floor<milliseconds>(time) - date};
  return fmt::format(
      "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z",
      static_cast<int>(parts.year()),
      static_cast<unsigned>(parts.month()),
      static_cast<unsigned>(parts.day()),
      of_day.hours().count(),
      of_day.minutes().count(),
      of_day.seconds().count(),
      of_day.subseconds().count());
}

wall_time time_since_1970(milliseconds time) {
  constexpr milliseconds most = sys_days{year{2262} / 1 / 1}.time_since_epoch() - 1ms;
  return wall_time{std::clamp(time, 0ms, most)};
}

} // namespace troupe
