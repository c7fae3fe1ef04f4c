#pragma once

#include "runtime/broker/events/group/tracked_events.hpp"
#include "runtime/broker/server/memory_shares.hpp"
#include "topology/plan.hpp"

namespace troupe {

/// The shares of a broker's memory in bytes, by `limits.memory`.
broker::memory_shares shares_of(const topology::plan& plan);

/// The window of each subscriber, in bytes: an equal part of their share, but at least
/// `topology::window_bytes_least`.
broker::event_window window_of(const topology::plan& plan);

} // namespace troupe
