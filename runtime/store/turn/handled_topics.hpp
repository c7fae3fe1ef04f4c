#pragma once

#include "runtime/ids.hpp"
#include "runtime/store/database.hpp"

#include <string>
#include <vector>

namespace troupe::store {

/// The topics for which the processes over a database have handlers. Processes of two releases may
/// differ in them, and share the position of events.
///
/// Borrows the session; each function runs in the current turn and throws database_error.
class handled_topics {
public:
  explicit handled_topics(database& session) : session_{session} {}

  /// Stores that the process has handlers for topics of these patterns only. Deletes the patterns
  /// of processes that are fenced, unless they were started later.
  void set(const uuid& incarnation, const std::vector<std::string>& patterns);

  /// The patterns of the other processes that are not fenced, or were started later than this one:
  /// the process that was started last decides what the capability handles, even if it is down.
  std::vector<std::string> of_others(const uuid& incarnation);

private:
  database& session_;
};

} // namespace troupe::store
