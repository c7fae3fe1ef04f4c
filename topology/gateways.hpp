#pragma once

#include "runtime/config.hpp"
#include "topology/plan.hpp"

#include <vector>

namespace troupe::topology {

/// Reads one entry of `gateways` into `into.gateways`.
void read_gateway(const config_tree::entry& entry, plan& into, std::vector<fault>& found);

} // namespace troupe::topology
