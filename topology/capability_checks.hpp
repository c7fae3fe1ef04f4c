#pragma once

#include "topology/actor_type.hpp"
#include "topology/checks.hpp"

#include <chrono>
#include <vector>

namespace troupe::topology {

/// Adds the faults of each single capability: its placement, its actor type, its policies.
void check_capabilities(
    const draft& checked, const std::vector<actor_type>& types, std::vector<fault>& found);

/// The shortest time in which a replica that fails at once, again and again, is restarted once more
/// than `max_restarts` allows. Above `within` the intensity can never trip.
std::chrono::milliseconds shortest_time_to_trip(const supervision::options& options);

} // namespace troupe::topology
