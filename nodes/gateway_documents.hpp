#pragma once

#include "runtime/gateway/server/gateway.hpp"
#include "topology/actor_type.hpp"
#include "topology/plan.hpp"

#include <vector>

namespace troupe {

/// Adds routes for the documents that describe the gateway's routes to callers: `/openapi.json`,
/// and `/asyncapi.json` if it streams events. Called after the routes were added.
void add_documents(
    gateway::gateway& to,
    const topology::plan& plan,
    const topology::gateway_plan& self,
    const std::vector<topology::actor_type>& types);

} // namespace troupe
