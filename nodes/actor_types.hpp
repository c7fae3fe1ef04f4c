#pragma once

#include "topology/actor_type.hpp"

#include <vector>

namespace troupe {

/// The registered types (runtime/actor/registry.hpp), in the form that a topology needs.
std::vector<topology::actor_type> actor_types();

} // namespace troupe
