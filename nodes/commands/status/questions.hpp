#pragma once

#include "nodes/commands/status/system_view.hpp"
#include "runtime/clock.hpp"
#include "topology/plan.hpp"

#include <string>
#include <vector>

namespace troupe {

/// What one broker or node answered to `status`, as it came.
struct status_report {
  std::string kind;
  std::string name;
  /// MessagePack.
  outcome<std::string> said;
};

/// The answers of a whole system: as they came, and read.
struct system_answers {
  std::vector<status_report> reports;
  system_view view;
};

/// Asks all brokers of `plan` and all its nodes, at once. Who has not answered after `deadline` has
/// not answered.
system_answers
ask_system(const topology::plan& plan, const std::string& file, milliseconds deadline);

} // namespace troupe
