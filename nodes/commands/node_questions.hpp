#pragma once

#include "nodes/commands/output.hpp"
#include "runtime/clock.hpp"
#include "runtime/wire/message.hpp"
#include "topology/plan.hpp"

#include <string>
#include <string_view>
#include <utility>
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

/// Calls the same operation of `troupe.node.NAME` at all nodes at once.
std::vector<node_answer> ask_nodes(
    const topology::plan& plan,
    std::string_view command,
    std::string_view operation,
    const std::vector<node_question>& questions,
    milliseconds deadline);

/// The questions to the nodes of a capability, all with the same body.
std::vector<node_question>
questions_to(const topology::capability_plan& capability, const std::string& body);

/// Decodes the answers and passes them to `take(node_answer&, Answer)`. If decoding fails, the
/// answer becomes that error.
template <wire::message Answer, class Take>
void take_answers(std::vector<node_answer>& answers, const Take& take) {
  for (node_answer& each : answers) {
    auto read = each.said.and_then(wire::checked_decode<Answer>);
    if (read) {
      take(each, std::move(*read));
    } else {
      each.said = failure{std::move(read).error()};
    }
  }
}

/// The capabilities to ask: the named one, or all that have a database.
outcome<std::vector<const topology::capability_plan*>>
capabilities_meant(const topology::plan& plan, const std::string& named);

/// Prints the errors of the nodes that did not answer.
/// @return whether there are any.
bool print_silent(const std::vector<node_answer>& answers, bool json);

/// "ann@host": the user who runs the command, as far as the system knows.
std::string user_at_host();

} // namespace troupe
