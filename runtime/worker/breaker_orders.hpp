#pragma once

#include "runtime/worker/turn_scope.hpp"
#include "runtime/worker/write.hpp"

namespace troupe {

/// Stores a person's order to the breaker, unless another process has stored it already; the
/// breaker obeys once the turn is committed.
void keep_breaker_order(write& each, turn_scope& in);

/// Reads the order in force on this node, whichever process stored it.
void read_breaker_order(turn_scope& in);

} // namespace troupe
