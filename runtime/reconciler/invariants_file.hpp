#pragma once

#include "runtime/reconcile/invariant.hpp"

#include <string>
#include <vector>

namespace troupe::reconcile {

/// A file of invariants as it was read.
struct invariants_file {
  std::string path;
  std::vector<invariant> all{};
  /// All that is wrong with it, with line and column; then `all` is of no use.
  std::vector<fault> faults{};
};

/// Reads invariants from a YAML file. A file that cannot be read is a fault without a place.
invariants_file read_invariants_file(std::string path);

/// "shop/invariants.yaml:5:12: WHAT\n  next: REMEDY\n" for each fault.
std::string text_of_faults(const invariants_file& read);

} // namespace troupe::reconcile
