#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace troupe::broker {

/// A rule for how long the events of some topics are kept: until they are too old or too large
/// together, whichever comes first.
struct retention_rule {
  /// A topic, `PREFIX.*` or `*`.
  std::string pattern = "*";
  /// 0: no limit.
  std::chrono::milliseconds keep{0};
  /// Of the bodies of one topic; 0: no limit.
  std::uint64_t bytes_max = 0;
  /// Whether events that a subscribed capability still needs are deleted as well.
  bool drop_unread = false;
};

/// A subscribed capability still needs the events of these topics above a position.
struct retention_need {
  std::string pattern{};
  std::uint64_t above = 0;
};

/// Which events may be deleted. Events of topics without a rule are kept forever.
struct retention {
  /// The first rule whose pattern matches a topic applies to it.
  std::vector<retention_rule> rules{};
  std::vector<retention_need> needs{};
  /// By the settled time (settled_time.hpp), in milliseconds since 1970 (UTC).
  std::int64_t now = 0;
};

} // namespace troupe::broker
