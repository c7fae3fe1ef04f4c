#pragma once

#include "runtime/ids.hpp"
#include "runtime/wire/message.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

// Operations of `troupe.node.NAME`, by which a worker node shows and forces its breakers, and shows
// and moves what waits for a person (FORMAT.md, "Nodes").

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

/// `sagas`: the sagas of a capability that stand still.
struct get_standing_sagas {
  std::string capability;
  /// Only those behind this one, in the order of their ids.
  std::optional<uuid> after{};
  std::uint32_t count = 100;
};

TROUPE_MESSAGE(get_standing_sagas, capability, after, count)

struct standing_saga {
  uuid id;
  std::string operation{};
  /// "parked": waits for a person. "left_alone": the node's program cannot continue it. "failing":
  /// its events could not be processed, and the node tries again.
  std::string state{};
  /// "do charge" or "undo charge"; empty if it is not known.
  std::string step{};
  /// A code and its message.
  std::string code{};
  std::string reason{};
  /// Whether the step may have been carried out.
  bool maybe_done = false;
  /// How often in a row it failed.
  std::uint32_t failures = 0;
  /// Milliseconds since 1970 (UTC).
  std::int64_t since = 0;
};

TROUPE_MESSAGE(standing_saga, id, operation, state, step, code, reason, maybe_done, failures, since)

struct standing_sagas {
  std::string capability;
  std::string node;
  std::vector<standing_saga> sagas;
  /// More are behind this one.
  std::optional<uuid> next{};
};

TROUPE_MESSAGE(standing_sagas, capability, node, sagas, next)

/// `resume_saga`: a saga that stands still goes on. Answered once that is stored.
struct resume_saga {
  std::string capability;
  uuid id;
  /// The person vouches that the step was not carried out: it is asked under a new id.
  bool anew = false;
  /// The person who orders it, up to 256 bytes.
  std::string who{};
};

TROUPE_MESSAGE(resume_saga, capability, id, anew, who)

struct saga_resumed {
  uuid id;
  std::string node;
};

TROUPE_MESSAGE(saga_resumed, id, node)

/// `effects`: the effects of a capability whose results could not be settled.
struct get_unsettled_effects {
  std::string capability;
  std::optional<uuid> after{};
  std::uint32_t count = 100;
};

TROUPE_MESSAGE(get_unsettled_effects, capability, after, count)

struct unsettled_effect {
  uuid key;
  /// The call that waits for it.
  uuid call;
  std::string effect;
  /// "unsettled": its result could not be written down. "left_alone": no program that was here
  /// knows the effect; it was not run, or not to its end.
  std::string state;
  std::uint32_t attempts = 0;
  std::string reason;
  /// Milliseconds since 1970 (UTC).
  std::int64_t since = 0;
};

TROUPE_MESSAGE(unsettled_effect, key, call, effect, state, attempts, reason, since)

struct unsettled_effects {
  std::string capability;
  std::string node;
  std::vector<unsettled_effect> effects;
  std::optional<uuid> next{};
};

TROUPE_MESSAGE(unsettled_effects, capability, node, effects, next)

/// `settle_effects`: the results that this node keeps are settled at once, and not after their
/// pause.
struct settle_effects {
  std::string capability;
  /// Only this one.
  std::optional<uuid> key{};
  std::string who{};
};

TROUPE_MESSAGE(settle_effects, capability, key, who)

struct effects_tried {
  std::uint64_t tried = 0;
};

TROUPE_MESSAGE(effects_tried, tried)

} // namespace troupe::wire
