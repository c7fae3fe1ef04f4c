#pragma once

#include "runtime/config.hpp"
#include "topology/plan.hpp"

#include <string>
#include <vector>

namespace troupe::topology {

/// Overwrites in `into` the policies that `section` has, key by key, and leaves the others.
///
/// @param owner names the section in faults, such as "capability `orders`".
/// @return whether the bulkhead could be read; if not, no conclusions are drawn from it.
bool read_policies(
    config_reader& section, const std::string& owner, policies& into, std::vector<fault>& found);

} // namespace troupe::topology
