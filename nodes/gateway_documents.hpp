#pragma once

#include "runtime/gateway/server/gateway.hpp"
#include "topology/actor_type.hpp"
#include "topology/plan.hpp"

#include <vector>

namespace troupe {

/// Gives `to` the documents that describe its routes, for those who may call them: `/openapi.json`,
/// and `/asyncapi.json` if it streams events. After its routes.
void add_documents(
    gateway::gateway& to,
    const topology::plan& plan,
    const topology::gateway_plan& self,
    const std::vector<topology::actor_type>& types);

} // namespace troupe
