#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

// How long the journal keeps events.

namespace troupe::broker {

/// What ends the events of some topics: their age or their size, whatever comes first.
struct retention_rule {
  /// A topic, `PREFIX.*` or `*`.
  std::string pattern = "*";
  /// 0: no limit.
  std::chrono::milliseconds keep{0};
  /// Of bodies, for each topic by itself; 0: no limit.
  std::uint64_t bytes_max = 0;
  /// Whether that holds also for what somebody still needs.
  bool drop_unread = false;
};

/// Somebody still needs the events of these topics that are above a position.
struct retention_need {
  std::string pattern{};
  std::uint64_t above = 0;
};

/// All that says which events may go. Topics without a rule are kept for good.
struct retention {
  /// The first whose pattern matches a topic holds for it.
  std::vector<retention_rule> rules{};
  std::vector<retention_need> needs{};
  /// Milliseconds since 1970 (UTC).
  std::int64_t now = 0;
};

} // namespace troupe::broker
