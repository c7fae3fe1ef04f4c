#pragma once

#include "nodes/commands/output.hpp"
#include "runtime/clock.hpp"
#include "topology/plan.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace troupe {

/// The answer of one node about one capability, or why there is none.
struct node_answer {
  std::string node;
  std::string capability;
  /// The reply's body.
  outcome<std::string> said;
};

/// A question to a node about a capability.
struct node_question {
  std::string node;
  std::string capability;
  /// MessagePack.
  std::string body;
};

/// Asks nodes the same operation of `troupe.node.NAME`, all at once.
std::vector<node_answer> ask_nodes(
    const topology::plan& plan,
    std::string_view command,
    std::string_view operation,
    const std::vector<node_question>& questions,
    milliseconds deadline);

/// The capabilities that are meant: the named one, or all that have a database.
outcome<std::vector<const topology::capability_plan*>>
capabilities_meant(const topology::plan& plan, const std::string& named);

/// Prints the errors of the nodes that did not answer. @return whether there are any.
bool print_silent(const std::vector<node_answer>& answers, bool json);

/// "ann@host": the user who gives the command, as far as the system knows.
std::string user_at_host();

} // namespace troupe
