#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace troupe::security {

/// A refusal, for the audit log of each program.
struct refused_act {
  /// The name that was proved; empty: none.
  std::string_view who{};
  /// "call", "publish", "read", "connect", "login" or "request".
  std::string_view act{};
  std::string_view what{};
  /// The place in the topology of the rule that forbids it or would allow it.
  std::string_view rule{};
  /// The address it came from, where it is known.
  std::string_view from{};
  /// The reason in words, where the rule does not say it all.
  std::string_view why{};
};

/// The event of each line of the audit log.
inline constexpr std::string_view audit_event = "access_refused";

/// The fields of a line. Text chosen by peers is cut at 512 bytes and made UTF-8; the log writes
/// values in quotes, so that none can start a new line or field.
/// @param count the number of such refusals since the last line.
std::vector<std::pair<std::string, std::string>>
audit_line(const refused_act& refused, std::uint64_t count);

} // namespace troupe::security
