#pragma once

#include "runtime/clock.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace troupe {

/// The UTC time written as `text`, such as 2026-11-24T01:54:45Z, or nothing. Up to nine digits of a
/// fraction of a second may follow the seconds. Years 1970 to 2261, the range of a `wall_time`.
/// @source RFC 3339, 5.6; offsets other than Z and leap seconds are refused.
std::optional<wall_time> parse_utc_time(std::string_view text);

/// "2026-11-24T01:54:45.120Z": a text that `parse_utc_time` reads, cut to the millisecond.
std::string utc_time_text(wall_time time);

/// Milliseconds since 1970-01-01 UTC, as tables and messages keep times.
inline std::int64_t unix_millis(wall_time time) {
  return std::chrono::duration_cast<milliseconds>(time.time_since_epoch()).count();
}

/// The time that `unix_millis` makes `time`, moved to the nearest that `parse_utc_time` reads.
wall_time time_since_1970(milliseconds time);

/// The text of that time.
inline std::string utc_time_text(milliseconds since_1970) {
  return utc_time_text(time_since_1970(since_1970));
}

} // namespace troupe
