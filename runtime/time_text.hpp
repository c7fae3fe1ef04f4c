#pragma once

#include "runtime/clock.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace troupe {

/// The UTC time written as `text`, such as 2026-11-24T01:54:45Z or with a fraction of a second of
/// up to nine digits, or nothing. Years 1970 to 2261, what a `wall_time` can hold.
/// @source RFC 3339, 5.6; offsets other than Z and leap seconds are refused.
std::optional<wall_time> parse_utc_time(std::string_view text);

/// "2026-11-24T01:54:45.120Z": what `parse_utc_time` reads, to the millisecond.
std::string utc_time_text(wall_time time);

/// The time so long after 1970 (UTC), as messages and tables have it; of what `parse_utc_time` does
/// not read, the nearest that it does.
wall_time time_since_1970(milliseconds time);

} // namespace troupe
