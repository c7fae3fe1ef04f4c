#pragma once

#include "topology/topology.hpp"

#include <vector>

namespace troupe {

/// The actor types that the programs of this tree have, as far as a topology must know them.
std::vector<topology::actor_type> actor_types();

} // namespace troupe
