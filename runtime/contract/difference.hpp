#pragma once

#include <string>
#include <vector>

namespace troupe::contract {

/// A difference: what a contract says and its other side does not do.
struct difference {
  /// "status", "field Content-Type", "$.items[0].sku", "metadata topic".
  std::string where;
  /// "wanted an integer, got \"5\" (text)".
  std::string what;

  bool operator==(const difference&) const = default;
};

using differences = std::vector<difference>;

} // namespace troupe::contract
