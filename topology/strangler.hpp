#pragma once

#include "runtime/config.hpp"
#include "topology/plan.hpp"

#include <vector>

namespace troupe::topology {

/// Reads one entry of `strangler` into `into`, and adds its faults.
void read_feature(const config_tree::entry& entry, plan& into, std::vector<fault>& found);

} // namespace troupe::topology
