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

/// The events that a capability publishes later. Any of its processes moves a due one to the
/// outbox, so that events outlive the process that made them.
///
/// Borrows the session; each function belongs to the turn of the moment and throws database_error.
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

  /// The events due at `now`, the earliest first, `rows_max` at most.
  std::vector<timer_row> due(wall_time now, int rows_max);
  void remove(std::int64_t n);

  /// When the earliest is due; nothing if there is none.
  std::optional<wall_time> next();

private:
  database& session_;
};

} // namespace troupe::store
