#pragma once

#include "topology/actor_type.hpp"
#include "topology/plan.hpp"

#include <string>
#include <vector>

namespace troupe::topology {

/// The rights in words: by party, and by operation and topic. Says so if nothing is checked.
///
/// @param plan without faults. @param types which the plan was checked with.
std::string access_text(const plan& plan, const std::vector<actor_type>& types);

} // namespace troupe::topology
