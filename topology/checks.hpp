#pragma once

#include "runtime/config.hpp"
#include "topology/plan.hpp"

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::topology {

/// A plan that is read but not checked yet, with its tree, so that faults can give their position.
///
/// Borrows the tree, and lives no longer than the call of `read` that made it.
struct draft {
  plan result;
  const config_tree* root = nullptr;
  /// The section of each of `result.capabilities`, in the same order.
  std::vector<const config_tree*> sections;
  /// Whether the `nodes` of each capability could be read; if not, nothing is concluded from them.
  std::vector<bool> nodes_are_read;
  /// Whether `limits` and all bulkheads could be read; if not, their memory is not summed up.
  bool sizes_are_read = true;

  /// The value at `root.first.second`, or null.
  const config_tree* find(std::string_view first, std::string_view second) const;
};

/// The position of the first of `values` that is there (not null), else `otherwise`.
file_position
position_of(std::initializer_list<const config_tree*> values, file_position otherwise);

/// The reason why `name` is not a valid name, or "" if it is: [a-z][a-z0-9_]{0,63}.
std::string check_name(std::string_view name);

/// Adds the faults that concern several keys: endpoints used twice, links, memory, shared
/// databases.
void check_whole(const draft& checked, std::vector<fault>& found);

} // namespace troupe::topology
