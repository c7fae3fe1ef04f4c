#pragma once

#include "nodes/gateway_features.hpp"
#include "runtime/clock.hpp"
#include "runtime/gateway/server/gateway.hpp"
#include "runtime/gateway/server/request_traces.hpp"
#include "runtime/gateway/server/token_audit.hpp"
#include "runtime/security/checked_tokens.hpp"
#include "topology/actor_type.hpp"
#include "topology/plan.hpp"

#include <vector>

namespace troupe {

/// The options of a gateway of `plan`.
gateway::gateway::options
options_of(const topology::plan& plan, const topology::gateway_plan& self);

/// Adds the routes of the topology to `to`.
///
/// @param moving the features of its routes; null if they have none.
/// @param tokens checks the tokens that routes require, and publishes their public keys; null if no
/// route requires one and there are no keys.
/// @param refusals counts tokens that are not accepted.
/// @param traces of the requests that become calls. All outlive `to`.
void add_routes(
    gateway::gateway& to,
    const topology::plan& plan,
    const topology::gateway_plan& self,
    const std::vector<topology::actor_type>& types,
    const clock& time,
    gateway_features* moving,
    security::checked_tokens* tokens,
    gateway::token_audit& refusals,
    gateway::request_traces& traces);

} // namespace troupe
