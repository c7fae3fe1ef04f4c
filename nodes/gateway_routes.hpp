#pragma once

#include "nodes/gateway_features.hpp"
#include "runtime/clock.hpp"
#include "runtime/gateway/server/gateway.hpp"
#include "runtime/gateway/server/token_audit.hpp"
#include "runtime/observe/span_ring.hpp"
#include "runtime/security/checked_tokens.hpp"
#include "topology/actor_type.hpp"
#include "topology/plan.hpp"

#include <vector>

namespace troupe {

/// The options by which a gateway of `plan` is run.
gateway::gateway::options
options_of(const topology::plan& plan, const topology::gateway_plan& self);

/// Gives `to` the routes that the topology says.
///
/// @param moving the features of its routes; null if they have none. @param tokens checks those
/// that routes ask for, and tells their public keys; null if no route asks, and there are no keys.
/// @param refusals takes those that are not accepted. Both outlive `to`. @param ring the spans of
/// requests; of the HTTP loop.
void add_routes(
    gateway::gateway& to,
    const topology::plan& plan,
    const topology::gateway_plan& self,
    const std::vector<topology::actor_type>& types,
    const clock& time,
    gateway_features* moving,
    security::checked_tokens* tokens,
    gateway::token_audit& refusals,
    observe::span_ring& ring);

} // namespace troupe
