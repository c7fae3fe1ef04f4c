#pragma once

#include "runtime/worker/turn_scope.hpp"

namespace troupe {

/// Publishes due events, whichever process set their timers, and notes when the next timer is due.
void publish_due_timers(turn_scope& in);

} // namespace troupe
