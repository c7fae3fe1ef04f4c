#include "nodes/commands/moments.hpp"

#include "runtime/config.hpp"
#include "runtime/time_text.hpp"

#include <fmt/format.h>

namespace troupe {

std::string check_moment(const std::string& word) {
  return parse_utc_time(word) || parse_duration(word)
             ? ""
             : fmt::format(
                 "`{}` is not a time; write a UTC time such as 2026-11-24T08:00:00Z, or a duration "
                 "from now such as 5m or 2h",
                 word);
}

std::int64_t moment_of(const std::string& word, side_of_now side) {
  if (const auto time = parse_utc_time(word)) {
    return unix_millis(*time);
  }
  const std::int64_t away = parse_duration(word)->count();
  return unix_millis(std::chrono::system_clock::now())
         + (side == side_of_now::before ? -away : away);
}

std::string second_text(std::int64_t millis) {
  const std::string text = utc_time_text(milliseconds{millis});
  return text.substr(0, text.find('.')) + 'Z';
}

} // namespace troupe
