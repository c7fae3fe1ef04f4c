#pragma once

#include "runtime/clock.hpp"
#include "runtime/ids.hpp"
#include "runtime/store/database.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::store {

/// An event that is to be published later.
struct timer_row {
  /// Its number. Events due at the same time keep the order in which they were added.
  std::int64_t n = 0;
  uuid id;
  std::string topic;
  std::string key;
  std::string body;
  /// Of the turn that set it (observe/trace_context.hpp); may be empty.
  std::string trace;
};

/// A timer without the event's body, for people.
struct waiting_timer {
  std::int64_t n = 0;
  uuid id;
  /// Milliseconds since 1970 (UTC).
  std::int64_t due_at = 0;
  std::string topic;
  std::string key;
  std::uint64_t body_bytes = 0;
};

/// The events that a capability publishes later. Any of its processes moves due ones to the outbox,
/// so that they outlive the process that made them.
///
/// Borrows the session; each function runs in the current turn and throws database_error.
class timers {
public:
  explicit timers(database& session) : session_{session} {}

  void
  add(const uuid& id,
      wall_time due,
      std::string_view topic,
      std::string_view key,
      std::string_view body,
      std::string_view trace = {});

  /// The events due at `now`, the earliest first, at most `rows_max`.
  std::vector<timer_row> due(wall_time now, int rows_max);
  void remove(std::int64_t n);

  /// Those due from `from` on and before `before` (milliseconds since 1970), the earliest first,
  /// `rows_max` at most. @param after of those due at `from`, only those with a higher number.
  std::vector<waiting_timer>
  waiting(std::int64_t from, std::int64_t after, std::int64_t before, int rows_max);

  /// The time at which the earliest is due; nothing if there is none.
  std::optional<wall_time> next();

private:
  database& session_;
};

} // namespace troupe::store
