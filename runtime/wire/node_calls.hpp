#pragma once

#include "runtime/ids.hpp"
#include "runtime/wire/message.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

// Operations of `troupe.node.NAME`, by which a worker node shows and forces its breakers, and shows
// what waits for a person and carries out orders about it (FORMAT.md, "Nodes").

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
  /// The last order of a person; absent if nobody ever gave one.
  std::optional<breaker_order> order{};
};

TROUPE_MESSAGE(breaker_report, capability, node, state, durable, order)

/// `sagas`: sagas of a capability; those that have stopped, unless other states are named.
struct get_standing_sagas {
  std::string capability;
  /// The saga after which the answer begins, in the order of ids.
  std::optional<uuid> after{};
  std::uint32_t count = 100;
  /// The selected states (`standing_saga::state`); none for those that have stopped.
  std::optional<std::vector<std::string>> states{};
  /// The step at which they are, their operation, and how many milliseconds ago at least they
  /// began.
  std::optional<std::string> step{};
  std::optional<std::string> operation{};
  std::optional<std::uint64_t> older_ms{};
};

TROUPE_MESSAGE(get_standing_sagas, capability, after, count, states, step, operation, older_ms)

/// Whether a saga stands at a step: `in_hand` is its `standing_saga::step`.
inline bool stands_at(std::string_view in_hand, std::string_view step) {
  for (std::size_t at = 0; (at = in_hand.find(step, at)) != std::string_view::npos; ++at) {
    const std::size_t end = at + step.size();
    const bool begins = at > 0 && in_hand[at - 1] == ' ';
    if (begins && (end == in_hand.size() || in_hand[end] == ',' || in_hand[end] == ' ')) {
      return true;
    }
  }
  return false;
}

struct standing_saga {
  uuid id;
  std::string operation{};
  /// These stand still: "parked": waits for a person. "paused": a person holds it. "left_alone":
  /// the node's program cannot continue it. "failing": its events could not be processed, and the
  /// node tries again. "needs_person": its command fails without end, and for too long; it is asked
  /// on. These do not: "forward", "undoing", "completed", "compensated"; "queued": it waits for its
  /// turn.
  std::string state{};
  /// "do charge", "undo charge", "await approval", or several with commas; empty if it is not
  /// known.
  std::string step{};
  /// A code and its message.
  std::string code{};
  std::string reason{};
  /// Whether the step may have been carried out.
  bool maybe_done = false;
  /// The failures in a row.
  std::uint32_t failures = 0;
  /// Milliseconds since 1970 (UTC).
  std::int64_t since = 0;
  /// The steps whose effects remain.
  std::optional<std::vector<std::string>> effects{};
  /// Whether it follows the steps of an earlier definition.
  std::optional<bool> earlier_steps{};
};

// clang-format off
TROUPE_MESSAGE(
    standing_saga, id, operation, state, step, code, reason, maybe_done, failures, since, effects,
    earlier_steps)

// clang-format on

struct standing_sagas {
  std::string capability;
  std::string node;
  std::vector<standing_saga> sagas;
  /// The last saga of this answer, if more follow.
  std::optional<uuid> next{};
  /// How many of this node's sagas wait for their turn, whatever was selected; absent if none do.
  std::optional<std::uint64_t> queued{};
};

TROUPE_MESSAGE(standing_sagas, capability, node, sagas, next, queued)

/// `resume_saga`: a stopped saga goes on. Answered once that is stored.
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

/// `order_saga`: an order of a person to one saga. Answered once it is stored.
struct order_saga {
  std::string capability;
  uuid id;
  /// "resume", "retry", "pause", "park", "skip" or "compensate".
  std::string verb;
  /// The step that "skip" is about.
  std::string step{};
  /// The person vouches that the open step never happened; with "skip", that it was done by hand.
  bool vouched = false;
  /// The person, up to 256 bytes, and the reason, 1 to 1,000.
  std::string who{};
  std::string why{};
};

TROUPE_MESSAGE(order_saga, capability, id, verb, step, vouched, who, why)

struct saga_ordered {
  uuid id;
  std::string node;
  /// The state as in `standing_saga`, after the order.
  std::optional<std::string> state{};
  std::optional<std::string> step{};
};

TROUPE_MESSAGE(saga_ordered, id, node, state, step)

/// `saga`: one saga, record by record.
struct get_saga {
  std::string capability;
  uuid id;
  /// The record after which the answer begins.
  std::uint64_t after = 0;
};

TROUPE_MESSAGE(get_saga, capability, id, after)

/// A record of a saga's journal.
struct saga_record {
  std::uint64_t seq = 0;
  /// Milliseconds since 1970 (UTC).
  std::int64_t at = 0;
  /// "started", "intent", "done" ... as in runtime/saga/README.md.
  std::string what{};
  /// The step's name; empty if the node's program does not know it.
  std::string step{};
  std::uint32_t round = 0;
  /// The try that was answered.
  std::uint32_t attempt = 0;
  /// The epoch of the coordinator that wrote it: one more with each takeover.
  std::int64_t epoch = 0;
  /// "code: message" of a failure; who ordered what, and why.
  std::string note{};
  /// The input, the request as the node's program makes it, or the reply; empty if there is none,
  /// or if it is too large.
  binary_value body{};
  std::uint64_t body_bytes = 0;
  /// The node of the process that wrote it; absent if that is not known any more.
  std::optional<std::string> node{};
};

// clang-format off
TROUPE_MESSAGE(
    saga_record, seq, at, what, step, round, attempt, epoch, note, body, body_bytes, node)

// clang-format on

struct saga_history {
  std::string capability;
  std::string node;
  uuid id;
  std::string operation;
  /// The state as in `standing_saga`.
  std::string state;
  /// "do charge" or "undo charge"; empty if the saga is over or the node cannot read it.
  std::string step;
  /// The node whose process owns the saga; empty if unknown.
  std::string owner;
  std::int64_t epoch = 0;
  /// Milliseconds since 1970 (UTC); 0 if it is not known.
  std::int64_t deadline = 0;
  bool earlier_steps = false;
  /// The reason why the node's program cannot read it; empty if it can.
  std::string unread;
  std::vector<std::string> effects;
  std::vector<saga_record> records;
  /// The last record of this answer, if more follow; else 0.
  std::uint64_t next = 0;
};

// clang-format off
TROUPE_MESSAGE(
    saga_history, capability, node, id, operation, state, step, owner, epoch, deadline,
    earlier_steps, unread, effects, records, next)

// clang-format on

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
  /// "unsettled": its result could not be stored. "left_alone": no program that has run here knows
  /// the effect; it was not run, or not to its end.
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

/// `settle_effects`: the results that this node keeps are settled at once, without waiting for
/// their pause.
struct settle_effects {
  std::string capability;
  /// The id of one effect; all if absent.
  std::optional<uuid> key{};
  std::string who{};
};

TROUPE_MESSAGE(settle_effects, capability, key, who)

struct effects_tried {
  std::uint64_t tried = 0;
};

TROUPE_MESSAGE(effects_tried, tried)

} // namespace troupe::wire
