#pragma once

#include "runtime/clock.hpp"
#include "runtime/ids.hpp"
#include "runtime/store/database.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace troupe::store {

/// An operator's last order for a capability's breakers.
struct forced_breaker {
  /// "auto", "open", "closed" or "disabled".
  std::string mode;
  std::string who;
  std::string why;
  /// The id of the order, the same on every node.
  uuid request;
  wall_time since{};
};

/// Operators' orders for a capability's breakers, stored so that they outlive the processes.
///
/// Borrows the session; each function runs in the current transaction and throws database_error.
class forced_breakers {
public:
  explicit forced_breakers(database& session) : session_{session} {}

  /// The order in force on `node`: the one for that node, else the one for all. Nothing without
  /// either.
  std::optional<forced_breaker> on(std::string_view node);

  /// @param node the node it is for; empty: all nodes, and orders for single ones become void.
  void set(std::string_view node, const forced_breaker& said);

private:
  database& session_;
};

} // namespace troupe::store
