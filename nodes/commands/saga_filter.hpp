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

/// Selects sagas of one or all capabilities.
struct saga_filter {
  std::string capability;
  /// As in `wire::standing_saga`; empty for stopped sagas.
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

/// A saga, and the nodes that list it: a parked one is listed by each node of its capability.
struct listed_saga {
  std::string capability;
  wire::standing_saga saga;
  std::vector<std::string> nodes;
};

/// Sagas by capability and id, and the nodes' answers.
struct saga_page {
  std::map<std::pair<std::string, uuid>, listed_saga> found;
  /// The last id of this page, if there are more sagas.
  std::optional<uuid> next;
  /// How many sagas of the chosen capabilities wait for their turn.
  std::uint64_t queued = 0;
  std::vector<node_answer> answers;
};

/// Removes what comes after `next`: it belongs to the next page, together with sagas of nodes that
/// had not listed everything before it.
void end_at_next(saga_page& page);

/// Asks the nodes of the capabilities `meant`. Nodes of an earlier release list all stopped sagas;
/// those that do not match the filter are removed here.
saga_page list_sagas(
    const topology::plan& plan,
    const std::vector<const topology::capability_plan*>& meant,
    const saga_filter& filter,
    milliseconds deadline);

std::string json_of(const listed_saga& from);

/// The sagas as a table.
std::string text_of(const saga_page& page);

} // namespace troupe
