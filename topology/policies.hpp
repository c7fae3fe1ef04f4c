#pragma once

#include "runtime/config.hpp"
#include "topology/plan.hpp"

#include <string>
#include <vector>

namespace troupe::topology {

/// How a capability is looked after: the keys that `defaults` and each capability have in common.
struct policies {
  supervision::options supervision;
  supervision::breaker_options breaker;
  supervision::bulkhead_options bulkhead;
  /// False where something about it was wrong, so that nothing is concluded from it.
  bool bulkhead_is_read = true;
  effect_options effects;
  supervision::retry_options retry;
  std::chrono::milliseconds turn_limit = capability_plan{}.turn_limit;
  std::chrono::hours inbox_kept = capability_plan{}.inbox_kept;
};

/// Overwrites in `into` what `section` says, key by key, and leaves the rest.
///
/// @param owner names the section in faults, such as "capability `orders`".
void read_policies(
    config_reader& section, const std::string& owner, policies& into, std::vector<fault>& found);

} // namespace troupe::topology
