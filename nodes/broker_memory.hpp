#pragma once

#include "runtime/broker/events/group/tracked_events.hpp"
#include "runtime/broker/server/memory_shares.hpp"
#include "topology/plan.hpp"

namespace troupe {

/// The bytes that each part of a broker's memory may have, by `limits.memory`.
broker::memory_shares shares_of(const topology::plan& plan);

/// The window of each subscriber, in bytes: an equal part of their share, and
/// `topology::window_bytes_least` at least.
broker::event_window window_of(const topology::plan& plan);

} // namespace troupe
