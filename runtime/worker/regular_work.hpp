#pragma once

#include "runtime/actor/actor.hpp"
#include "runtime/clock.hpp"
#include "runtime/ids.hpp"
#include "runtime/worker/turn_scope.hpp"
#include "runtime/worker/write.hpp"

#include <optional>

namespace troupe {

/// Calls an actor's regular work (`actor::regularly`), in the turn of the group's housekeeping, and
/// asks it for matters that wait for a person. Confined to the runner's thread.
class regular_work {
public:
  /// Runs the handlers of the instance that works on `house`, and undoes their writes if one
  /// throws: the instance is then made again. Throws database_error for other failures.
  void run(write& house, turn_scope& in);

private:
  uuid_source ids_;
  int failures_ = 0; // The number of failures in a row.
  std::optional<instant> looked_at_;
};

} // namespace troupe
