#pragma once

#include "topology/actor_type.hpp"

#include <vector>

namespace troupe {

/// The registered types (runtime/actor/registry.hpp), as far as a topology must know them.
std::vector<topology::actor_type> actor_types();

} // namespace troupe
