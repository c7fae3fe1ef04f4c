#pragma once

#include "runtime/ids.hpp"
#include "runtime/wire/message.hpp"

#include <cstdint>
#include <string>
#include <vector>

// The operation `life` of `troupe.node.NAME`: what a capability's database knows about some ids,
// for `troupe why` (FORMAT.md, "Brokers and nodes").

namespace troupe::wire {

/// An event in the journal, by its partition and position.
struct event_place {
  std::uint32_t partition = 0;
  std::uint64_t position = 0;
};

TROUPE_MESSAGE(event_place, partition, position)

/// `life`: what is known of these ids, and how far the capability is with these events. 100 of each
/// at most.
struct get_life {
  std::string capability;
  std::vector<uuid> ids{};
  std::vector<event_place> places{};
};

TROUPE_MESSAGE(get_life, capability, ids, places)

/// A call or a saga's command in an inbox.
struct message_told {
  uuid id{};
  std::string capability{};
  std::string operation{};
  /// The state as in the inbox: 1 pending, 2 answered, 3 refused.
  std::int32_t state = 1;
  /// The reply's body, or the error's MessagePack map.
  binary_value reply{};
  std::string node{};
  std::int32_t replica = 0;
  std::int32_t attempt = 1;
};

TROUPE_MESSAGE(message_told, id, capability, operation, state, reply, node, replica, attempt)

struct saga_record_told {
  /// Milliseconds since 1970 (UTC).
  std::int64_t at = 0;
  /// "intent", "done", "parked" ...
  std::string kind{};
  /// The name of the step, or its number if this program does not know the saga.
  std::string step{};
  std::uint32_t attempt = 0;
  /// The error of a failure, in words.
  std::string reason{};
};

TROUPE_MESSAGE(saga_record_told, at, kind, step, attempt, reason)

struct saga_told {
  uuid id{};
  std::string capability{};
  std::string operation{};
  /// "forward", "undoing", "completed", "compensated", "parked".
  std::string phase{};
  std::vector<saga_record_told> records{};
};

TROUPE_MESSAGE(saga_told, id, capability, operation, phase, records)

/// An effect that has no result yet, or whose result is not settled yet.
struct effect_told {
  uuid key{};
  uuid call{};
  std::string capability{};
  std::string name{};
  /// The number of failed settlements; 0 if the external system has not answered yet.
  std::uint32_t unsettled = 0;
  std::string reason{};
};

TROUPE_MESSAGE(effect_told, key, call, capability, name, unsettled, reason)

/// The state of an event at one subscriber.
struct delivery_told {
  std::string capability{};
  bool is_handled = false;
  /// The number of times that it failed; it waits.
  std::uint32_t attempts = 0;
  bool is_dead = false;
  std::string reason{};
};

TROUPE_MESSAGE(delivery_told, capability, is_handled, attempts, is_dead, reason)

struct event_told {
  uuid id{};
  std::string topic{};
  std::string key{};
  std::string source{};
  std::string trace{};
  /// The position in the journal; 0 if it is not there yet, and waits in an outbox or for its time.
  std::uint64_t position = 0;
  /// The time at which it was journaled, or is due: milliseconds since 1970 (UTC).
  std::int64_t at = 0;
  bool is_timer = false;
  std::vector<delivery_told> deliveries{};
};

TROUPE_MESSAGE(event_told, id, topic, key, source, trace, position, at, is_timer, deliveries)

/// A change of an event-sourced thing.
struct change_told {
  std::string capability{};
  uuid stream{};
  std::int64_t version = 0;
  std::string type{};
  /// Milliseconds since 1970 (UTC).
  std::int64_t at = 0;
  uuid cause{};
};

TROUPE_MESSAGE(change_told, capability, stream, version, type, at, cause)

/// The answer to `life`.
struct told_life {
  std::string capability;
  std::string node;
  std::vector<message_told> messages{};
  std::vector<saga_told> sagas{};
  std::vector<effect_told> effects{};
  std::vector<event_told> events{};
  std::vector<change_told> changes{};
  /// The deliveries at the requested places, in the order of the request.
  std::vector<delivery_told> deliveries{};
  /// Something was left out because it did not fit into the answer.
  bool is_cut = false;
};

TROUPE_MESSAGE(
    told_life, capability, node, messages, sagas, effects, events, changes, deliveries, is_cut)

} // namespace troupe::wire
