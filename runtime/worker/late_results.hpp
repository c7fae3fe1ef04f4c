#pragma once

#include "runtime/worker/turn_scope.hpp"
#include "runtime/worker/write.hpp"

namespace troupe {

/// Settles an effect whose result has arrived: runs its `settle`, and stores the returned answer
/// for the call that asked for the effect.
///
/// A settlement that throws, or fails for a temporary reason, is undone, and its result is kept on
/// disk to be settled later (`write::is_put_off`).
/// @return false if the turn must be run again, since this settlement must be undone alone.
bool run_effect_result(write& each, turn_scope& in);

/// Gives a saga the answer to one of its calls, or tells it that a timer is due.
void run_saga_event(write& each, turn_scope& in);

} // namespace troupe
