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

/// The raw answer of one broker or node to `status`.
struct status_report {
  std::string kind;
  std::string name;
  /// MessagePack.
  outcome<std::string> said;
};

/// The answers of a whole system, raw and decoded.
struct system_answers {
  std::vector<status_report> reports;
  system_view view;
  /// Stopped sagas, by node and capability.
  std::vector<wire::standing_sagas> sagas;
};

/// The part of a system to ask for.
enum class matters : std::uint8_t {
  /// The state of brokers, nodes and the journal.
  state,
  /// The state, and the work that waits for a person, which nodes read from their databases.
  all,
};

/// Asks all brokers and nodes of `plan` at once. After `deadline` a missing answer counts as none.
system_answers ask_system(
    system_links& links,
    const topology::plan& plan,
    const std::string& file,
    matters what,
    milliseconds deadline);

} // namespace troupe
