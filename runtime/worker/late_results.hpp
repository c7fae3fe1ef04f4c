#pragma once

#include "runtime/worker/turn_scope.hpp"
#include "runtime/worker/write.hpp"

namespace troupe {

/// Settles an effect whose result has come: runs its `settle`, and stores what that returns as the
/// answer of the call that asked for the effect.
void run_effect_result(write& each, turn_scope& in);

/// Gives a saga the answer to one of its calls, or tells it that a timer is due.
void run_saga_event(write& each, turn_scope& in);

} // namespace troupe
