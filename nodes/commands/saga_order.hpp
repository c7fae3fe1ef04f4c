#pragma once

#include "nodes/connection.hpp"
#include "runtime/ids.hpp"
#include "runtime/wire/node_calls.hpp"

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace troupe {

/// A saga that gets an order, and the result.
struct order_target {
  uuid id;
  /// The nodes to ask, in this order.
  std::vector<std::string> nodes;
  /// Whether the operator asserts something they have seen. Once a node may have obeyed, no other
  /// node is asked: the saga may have continued since, and stopped at the same place for another
  /// reason.
  bool is_vouched = false;
  bool may_be_obeyed = false;
  std::optional<wire::saga_ordered> obeyed{};
  std::optional<error> refused{};
};

/// Asks all questions at once; the answers are in the same order.
using ask_at_nodes = std::function<std::vector<outcome<std::string>>(const std::vector<question>&)>;

/// Gives an order to all of `to` at once; for each saga to one node after the other, until one
/// obeys or knows that the order does not fit.
/// @param body of the order to one saga.
void give_order(
    std::vector<order_target>& to,
    std::string_view operation,
    const std::function<std::string(const uuid&)>& body,
    const ask_at_nodes& ask);

/// "undoing undo release"; "goes on" if the node does not say.
std::string state_text(const wire::saga_ordered& said);

} // namespace troupe
