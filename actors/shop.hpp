#pragma once

#include "runtime/actor/registry.hpp"

#include <vector>

namespace troupe {

/// The actor types of the example shop, for the registries of the programs that run or check it.
std::vector<actor_type> shop_actor_types();

} // namespace troupe
