#pragma once

#include <cstdint>
#include <string_view>

namespace troupe::observe {

/// The level of a line of a log, as syslog and the journal count.
/// @source RFC 5424, 6.2.1; sd-daemon(3).
enum class log_level : std::uint8_t {
  /// Work has stopped, or was lost, until a person does something.
  error = 3,
  /// Something failed that the system repairs by itself, or was refused.
  warning = 4,
  info = 6,
};

std::string_view name_of(log_level level);

/// The level of an event, which nodes/LOGS.md tells of all; `info` for one that is not listed.
log_level level_of(std::string_view event);

} // namespace troupe::observe
