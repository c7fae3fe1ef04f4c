#pragma once

#include "runtime/ids.hpp"
#include "runtime/wire/message.hpp"

#include <cstdint>
#include <optional>
#include <string>

// Operations of `troupe.node.NAME`, by which a worker node shows and forces its breakers
// (FORMAT.md, "Nodes").

namespace troupe::wire {

/// `breaker`: the state of a capability's breaker on this node.
struct get_breaker {
  std::string capability;
};

TROUPE_MESSAGE(get_breaker, capability)

/// `force_breaker`: forces a capability's breaker, or gives it back. Answered once the order is
/// stored.
struct force_breaker {
  std::string capability;
  /// "open", "closed", "disabled", or "auto" to give it back.
  std::string mode;
  /// The person who orders it, 1 to 256 bytes, and the reason, 1 to 1,000.
  std::string who;
  std::string why;
  /// The id of the order, the same for every node; the call's own id if absent. An order that is in
  /// force already is not carried out again.
  std::optional<uuid> request{};
  /// True for this node alone; else for all nodes that share the capability's database.
  bool only_here = false;
};

TROUPE_MESSAGE(force_breaker, capability, mode, who, why, request, only_here)

/// The last order that a person gave for a breaker.
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
  /// True if an order outlives the worker, since the capability has a database.
  bool durable = false;
  /// Absent if nobody ever gave an order.
  std::optional<breaker_order> order{};
};

TROUPE_MESSAGE(breaker_report, capability, node, state, durable, order)

} // namespace troupe::wire
