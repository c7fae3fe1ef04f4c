#pragma once

#include "runtime/ids.hpp"
#include "runtime/outcome.hpp"
#include "runtime/store/database.hpp"
#include "runtime/wire/message.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

// What every event-sourced capability can be asked, whatever its events are.

namespace troupe {

/// `history`: what happened to one thing. Refused: `no_history`.
struct get_history {
  uuid id;
  /// The first version wanted; 1 if absent.
  std::optional<std::int64_t> from;
  /// How many at most: 1 to 1,000; 100 if absent.
  std::optional<std::int64_t> limit;
};

TROUPE_MESSAGE(get_history, id, from, limit)

struct past_event {
  std::int64_t version = 0;
  std::string type;
  /// Milliseconds since 1970-01-01 UTC.
  std::int64_t at = 0;
  /// The message that made it happen.
  uuid cause;
  wire::raw_value body;
};

TROUPE_MESSAGE(past_event, version, type, at, cause, body)

struct history {
  uuid id;
  std::vector<past_event> events;
  /// There are more: ask again, from the version behind the last one.
  bool more = false;
};

TROUPE_MESSAGE(history, id, events, more)

/// `at`: what one thing was after a version, or at a time. One of the two, or neither for now.
/// Refused: `no_history` if nothing had happened to it by then.
struct get_past_state {
  uuid id;
  std::optional<std::int64_t> version;
  /// Milliseconds since 1970-01-01 UTC.
  std::optional<std::int64_t> at;
};

TROUPE_MESSAGE(get_past_state, id, version, at)

struct past_state {
  uuid id;
  /// Of the last event that is part of it.
  std::int64_t version = 0;
  wire::raw_value state;
};

TROUPE_MESSAGE(past_state, id, version, state)

/// `rebuild`: makes the tables that follow from the events anew, a slice at a time, each of which
/// is right in itself: others can go on meanwhile. Repeat it with `after` = `next` until there is
/// none.
struct rebuild_projection {
  /// Begin behind the things up to that id.
  std::optional<uuid> after;
  /// How many events to a slice, and all of the last one's thing: 1 to 50,000, which is the
  /// default.
  std::optional<std::int64_t> events;
};

TROUPE_MESSAGE(rebuild_projection, after, events)

struct projection_rebuilt {
  std::int64_t things = 0;
  std::int64_t events = 0;
  std::optional<uuid> next;
};

TROUPE_MESSAGE(projection_rebuilt, things, events, next)

/// Answers `history`, from the capability's event store. Bodies are taken up to 48 KiB a reply, but
/// for a single one that is larger.
outcome<history> read_history(const get_history& request, store::database& session);

/// There is nothing to tell of `id`.
error no_history(const uuid& id);

} // namespace troupe
