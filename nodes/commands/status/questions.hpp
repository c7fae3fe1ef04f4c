#pragma once

#include "nodes/commands/status/system_view.hpp"
#include "nodes/system_links.hpp"
#include "runtime/clock.hpp"
#include "runtime/wire/node_calls.hpp"
#include "topology/plan.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace troupe {

/// The answer of one broker or node to `status`, as it came.
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
  /// Sagas that stand still, by node and capability.
  std::vector<wire::standing_sagas> sagas;
};

/// The part of a system that is asked for.
enum class matters : std::uint8_t {
  /// The state of brokers, nodes and the journal.
  state,
  /// The state, and the work that waits for a person, which nodes read from their databases.
  all,
};

/// Asks all brokers of `plan` and all its nodes, at once. Who has not answered after `deadline` has
/// not answered.
system_answers ask_system(
    system_links& links,
    const topology::plan& plan,
    const std::string& file,
    matters what,
    milliseconds deadline);

} // namespace troupe
