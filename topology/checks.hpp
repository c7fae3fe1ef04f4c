#pragma once

#include "runtime/config.hpp"
#include "topology/plan.hpp"
#include "topology/topology.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace troupe::topology {

/// A plan as it was read, with what the checks need to say where something stands.
///
/// Borrows the tree, and lives no longer than the call of `read` that made it.
struct draft {
  plan result;
  const config_tree* root = nullptr;
  /// The section of each of `result.capabilities`, in the same order.
  std::vector<const config_tree*> sections;
  /// The same: false where `nodes` could not be read, so that nothing is concluded from it.
  std::vector<bool> nodes_are_read;
  /// False where `limits` or a bulkhead could not be read: then no sum is made of them.
  bool sizes_are_read = true;

  /// The value at `root.first.second`, or null.
  const config_tree* find(std::string_view first, std::string_view second) const;
};

/// Why `name` cannot name a `what`, or "" if it can: [a-z][a-z0-9_]{0,63}.
std::string check_name(std::string_view name);

/// What no single key shows: endpoints in use twice, links, memory, databases shared.
void check_whole(const draft& checked, std::vector<fault>& found);

/// What concerns one capability: its placement, its actor type, its policies.
void check_capabilities(
    const draft& checked, const std::vector<actor_type>& types, std::vector<fault>& found);

/// The shortest time in which a replica that fails at once, again and again, is restarted once more
/// than `max_restarts` allows. Above `within` the intensity can never trip.
std::chrono::milliseconds shortest_time_to_trip(const supervision::options& options);

} // namespace troupe::topology
