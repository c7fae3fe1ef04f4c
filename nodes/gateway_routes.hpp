#pragma once

#include "runtime/clock.hpp"
#include "runtime/gateway/server/gateway.hpp"
#include "topology/actor_type.hpp"
#include "topology/plan.hpp"

#include <vector>

namespace troupe {

/// How a gateway of `plan` is run.
gateway::gateway::options
options_of(const topology::plan& plan, const topology::gateway_plan& self);

/// Gives `to` the routes that the topology says.
void add_routes(
    gateway::gateway& to,
    const topology::plan& plan,
    const topology::gateway_plan& self,
    const std::vector<topology::actor_type>& types,
    const clock& time);

} // namespace troupe
