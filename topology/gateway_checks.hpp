#pragma once

#include "topology/actor_type.hpp"
#include "topology/checks.hpp"

#include <vector>

namespace troupe::topology {

/// Adds the faults of gateways that concern several keys: routes that match the same requests, what
/// they call or stream, and how requests become messages.
void check_gateways(
    const draft& checked, const std::vector<actor_type>& types, std::vector<fault>& found);

} // namespace troupe::topology
