#pragma once

#include "runtime/ids.hpp"
#include "runtime/wire/message.hpp"

#include <cstdint>
#include <optional>
#include <string>

// What a worker node can be asked about its breakers: operations of `troupe.node.NAME` (FORMAT.md,
// "Nodes").

namespace troupe::wire {

/// `breaker`: how a capability's breaker is on this node.
struct get_breaker {
  std::string capability;
};

TROUPE_MESSAGE(get_breaker, capability)

/// `force_breaker`: takes a capability's breaker over, or gives it back. Answered when it is kept.
struct force_breaker {
  std::string capability;
  /// "open", "closed", "disabled", or "auto" to give it back.
  std::string mode;
  /// Who wants it, 1 to 256 bytes; and why, 1 to 1,000.
  std::string who;
  std::string why;
  /// Of the command, the same for every node it is given to; without it the call's own id. What was
  /// said last is not done again under its id.
  std::optional<uuid> request{};
  /// Of this node alone, and not of all that share the capability's database.
  bool only_here = false;
};

TROUPE_MESSAGE(force_breaker, capability, mode, who, why, request, only_here)

/// What a person last said of a breaker.
struct breaker_order {
  std::string mode;
  std::string who;
  std::string why;
  uuid request;
  /// Milliseconds since 1970 (UTC).
  std::int64_t since = 0;
};

TROUPE_MESSAGE(breaker_order, mode, who, why, request, since)

/// The answer to both.
struct breaker_report {
  std::string capability;
  std::string node;
  /// "closed", "open", "half_open", "forced_open", "forced_closed", "disabled", or "down".
  std::string state;
  /// Whether what is said of it outlives the worker: it has a database.
  bool durable = false;
  /// Nothing if nobody ever said anything.
  std::optional<breaker_order> order{};
};

TROUPE_MESSAGE(breaker_report, capability, node, state, durable, order)

} // namespace troupe::wire
