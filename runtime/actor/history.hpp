#pragma once

#include "runtime/ids.hpp"
#include "runtime/outcome.hpp"
#include "runtime/store/database.hpp"
#include "runtime/wire/message.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

// The operations that every event-sourced capability answers.

namespace troupe {

/// `history`: the events of one object. Refused: `no_history`.
struct get_history {
  uuid id;
  /// The first version wanted; 1 if absent.
  std::optional<std::int64_t> from;
  /// The most events wanted: 1 to 1,000; 100 if absent.
  std::optional<std::int64_t> limit;
};

TROUPE_MESSAGE(get_history, id, from, limit)

struct past_event {
  std::int64_t version = 0;
  std::string type;
  /// Milliseconds since 1970-01-01 UTC.
  std::int64_t at = 0;
  /// The id of the message whose turn recorded the event.
  uuid cause;
  wire::raw_value body;
};

TROUPE_MESSAGE(past_event, version, type, at, cause, body)

struct history {
  uuid id;
  std::vector<past_event> events;
  /// Whether there are more: ask again from the version after the last one.
  bool more = false;
};

TROUPE_MESSAGE(history, id, events, more)

/// `at`: the state of one object after a version or at a time, or now if neither is given. Refused:
/// `no_history` if nothing had happened to it by then; `invalid` if both are given.
struct get_past_state {
  uuid id;
  std::optional<std::int64_t> version;
  /// Milliseconds since 1970-01-01 UTC.
  std::optional<std::int64_t> at;
};

TROUPE_MESSAGE(get_past_state, id, version, at)

struct past_state {
  uuid id;
  /// The version of the last event in `state`.
  std::int64_t version = 0;
  wire::raw_value state;
};

TROUPE_MESSAGE(past_state, id, version, state)

/// `rebuild`: rebuilds the tables derived from the events, one slice of objects in each call,
/// while other calls go on. Repeat it with `after` = `next` until there is no `next`.
struct rebuild_projection {
  /// Begins with the first object after this id; with the first of all if absent.
  std::optional<uuid> after;
  /// The approximate number of events in a slice, as objects are not split: 1 to 50,000; 50,000 if
  /// absent. A slice also ends after 16 MiB of events.
  std::optional<std::int64_t> events;
};

TROUPE_MESSAGE(rebuild_projection, after, events)

struct projection_rebuilt {
  std::int64_t things = 0;
  std::int64_t events = 0;
  std::optional<uuid> next;
};

TROUPE_MESSAGE(projection_rebuilt, things, events, next)

/// Answers `history` from the capability's event store. A reply has bodies of 48 KiB at most, or
/// one event with a larger body.
outcome<history> read_history(const get_history& request, store::database& session);

/// The refusal `no_history` of `id`.
error no_history(const uuid& id);

} // namespace troupe
