#pragma once

#include "topology/actor_type.hpp"
#include "topology/plan.hpp"

#include <string>
#include <vector>

namespace troupe::topology {

/// The plan in words, for a person: what runs where, and what happens when it fails.
///
/// @param types the actor types with which the plan was read.
std::string explain(const plan& plan, const std::vector<actor_type>& types);

} // namespace troupe::topology
