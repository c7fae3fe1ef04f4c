#pragma once

#include "runtime/config.hpp"
#include "topology/checks.hpp"
#include "topology/plan.hpp"

#include <vector>

namespace troupe::topology {

/// Reads one entry of `strangler` into `into`, and adds its faults.
void read_feature(const config_tree::entry& entry, plan& into, std::vector<fault>& found);

/// Adds the faults between features and gateways: a feature that is not there, a key that the path
/// of its route never has, a legacy system that is a gateway itself.
void check_features(const draft& checked, std::vector<fault>& found);

} // namespace troupe::topology
