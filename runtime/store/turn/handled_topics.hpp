#pragma once

#include "runtime/ids.hpp"
#include "runtime/store/database.hpp"

#include <string>
#include <vector>

namespace troupe::store {

/// The topics that the processes over a database have handlers for. Processes of two releases may
/// differ in them, and the position of an event is one for all.
///
/// Borrows the session; each function belongs to the turn of the moment and throws database_error.
class handled_topics {
public:
  explicit handled_topics(database& session) : session_{session} {}

  /// The process has handlers for topics of these patterns, and for no others. Forgets processes
  /// that are gone.
  void set(const uuid& incarnation, const std::vector<std::string>& patterns);

  /// The patterns of the other processes that are not fenced.
  std::vector<std::string> of_others(const uuid& incarnation);

private:
  database& session_;
};

} // namespace troupe::store
