#pragma once

#include "topology/actor_type.hpp"
#include "topology/plan.hpp"

#include <string>
#include <vector>

namespace troupe::topology {

/// Who may do what, in words: by who it is, and by what it is. Says so if nothing is checked.
///
/// @param plan without faults. @param types which the plan was checked with.
std::string access_text(const plan& plan, const std::vector<actor_type>& types);

} // namespace troupe::topology
