#pragma once

#include "nodes/command_line.hpp"
#include "nodes/commands/node_questions.hpp"
#include "runtime/wire/node_calls.hpp"

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace troupe {

/// Selects the sagas of one or all capabilities that a command is about.
struct saga_filter {
  std::string capability;
  /// As in `wire::standing_saga`; empty for those that stand still.
  std::vector<std::string> states;
  std::string step;
  std::string operation;
  milliseconds older{0};
  std::string after;
  std::uint64_t count = 100;

  bool is_any() const {
    return !states.empty() || !step.empty() || !operation.empty() || older != milliseconds{0};
  }
};

/// Declares --state, --step, --operation and --older.
void add_filter(command& takes, saga_filter& given);

/// A saga, and the nodes that name it: a parked one is named by each node of its capability.
struct listed_saga {
  std::string capability;
  wire::standing_saga saga;
  std::vector<std::string> nodes;
};

/// Sagas by capability and id, and what each node said.
struct saga_page {
  std::map<std::pair<std::string, uuid>, listed_saga> found;
  /// There are more behind this one.
  std::optional<uuid> next;
  /// The number of sagas of the capabilities meant that wait for their turn.
  std::uint64_t queued = 0;
  std::vector<node_answer> answers;
};

/// Leaves out what comes after `next`: it is on the next page, together with more sagas of nodes
/// that had not listed all before it.
void end_at_next(saga_page& page);

/// Asks the nodes of the capabilities `meant`. Nodes of an earlier release name those that stand
/// still; what does not fit the filter is left out here.
saga_page list_sagas(
    const topology::plan& plan,
    const std::vector<const topology::capability_plan*>& meant,
    const saga_filter& filter,
    milliseconds deadline);

std::string json_of(const listed_saga& from);

/// A table of them.
std::string text_of(const saga_page& page);

} // namespace troupe
