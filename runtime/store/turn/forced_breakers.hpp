#pragma once

#include "runtime/clock.hpp"
#include "runtime/ids.hpp"
#include "runtime/store/database.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace troupe::store {

/// What a person last said of a capability's breakers.
struct forced_breaker {
  /// "auto", "open", "closed" or "disabled".
  std::string mode;
  std::string who;
  std::string why;
  /// Of the command: the same on every node it was given to.
  uuid request;
  wall_time since{};
};

/// What people said of a capability's breakers, so that it outlives the processes it was said to.
///
/// Borrows the session; each function belongs to the transaction of the moment and throws
/// database_error.
class forced_breakers {
public:
  explicit forced_breakers(database& session) : session_{session} {}

  /// What holds on `node`: what was said of it alone, else what was said of all; nothing if nobody
  /// ever said anything.
  std::optional<forced_breaker> on(std::string_view node);

  /// @param node the one it is said of; empty: all, and what was said of single ones is void.
  void set(std::string_view node, const forced_breaker& said);

private:
  database& session_;
};

} // namespace troupe::store
