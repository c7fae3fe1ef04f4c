#pragma once

#include "runtime/wire/status.hpp"

#include <string>
#include <vector>

namespace troupe {

/// How a worker is, as its socket loop tells other threads of the process.
struct worker_snapshot {
  wire::node_status status{};
  /// Of each group of `status`: why its store was refused for good; empty if it was not.
  std::vector<std::string> refused_stores{};
  /// Of each broker of the worker's options: whether it is logged in there.
  std::vector<bool> links{};
  bool is_draining = false;
};

} // namespace troupe
