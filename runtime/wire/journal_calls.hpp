#pragma once

#include "runtime/ids.hpp"
#include "runtime/wire/message.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

// Requests and answers of `troupe.events` and `troupe.publish` (FORMAT.md, "Events"), which the
// broker that keeps the journal serves. All other brokers answer `unavailable`, with the `broker`
// that has the journal and, where brokers share it, its `endpoint` (empty while no broker has it),
// the `reason` below and `retry_after`.
//
// Times are milliseconds since 1970 (UTC), durations milliseconds. Bodies are MessagePack, as
// binary: the broker does not read them.

namespace troupe::wire {

/// The `reason` of a broker that shares a journal which it does not have at the moment.
inline constexpr std::string_view journal_elsewhere = "journal_elsewhere";

/// The answer of `troupe.publish`, whose operation is the topic, once the event is on disk.
struct published {
  std::uint64_t position = 0;
  /// True if the id was published before; the event keeps its position.
  bool repeat = false;
};

TROUPE_MESSAGE(published, position, repeat)

/// `read`: the events of some topics, in order of position. Answered at once if there are any, else
/// when one comes or `wait_ms` are over.
struct read_events {
  /// Topics, `PREFIX.*` or `*`; at least one.
  std::vector<std::string> patterns;
  /// Events after this position.
  std::optional<std::uint64_t> after;
  /// The place to begin, without `after`: `new` (which it is if neither is given), `oldest`, or a
  /// UTC time as text.
  std::optional<std::string> from;
  /// The most events to return, 1 to 1,000. The broker returns fewer if they are large.
  std::uint32_t count = 100;
  /// 0 to 60,000.
  std::uint32_t wait_ms = 0;
};

TROUPE_MESSAGE(read_events, patterns, after, from, count, wait_ms)

struct read_event {
  std::uint64_t position = 0;
  uuid id;
  std::string topic;
  /// The ordering key; may be empty.
  std::string key;
  /// The capability whose outbox it comes from; empty if a client published it.
  std::string source;
  /// The time at which it was journaled.
  std::int64_t time = 0;
  std::string traceparent;
  binary_value body;
};

TROUPE_MESSAGE(read_event, position, id, topic, key, source, time, traceparent, body)

/// The answer to `read`.
struct events_read {
  std::vector<read_event> events;
  /// The `after` to go on with.
  std::uint64_t next = 0;
  /// The last position in the journal.
  std::uint64_t last = 0;
  /// Retention has deleted events between the request's `after` and this position: events of these
  /// topics, or of topics that the journal has forgotten. Absent if it has not, or if the request
  /// had no `after`.
  std::optional<std::uint64_t> deleted_to{};
  /// The life of the journal that wrote `next`, and the one that wrote the request's `after`; zeros
  /// if unknown. If `after_life` is not the `life` of the previous answer, the journal is another
  /// one, or a restored copy: its positions mean other events.
  std::optional<uuid> life{};
  std::optional<uuid> after_life{};
};

TROUPE_MESSAGE(events_read, events, next, last, deleted_to, life, after_life)

/// `topics`: what is in the journal, and the progress of the subscribed capabilities.
struct get_topics {
  /// The topic after which the answer begins, without groups: the next page.
  std::optional<std::string> after{};
};

TROUPE_MESSAGE(get_topics, after)

struct topic_state {
  std::string topic;
  /// Events kept, and the bytes of their bodies.
  std::uint64_t events = 0;
  std::uint64_t bytes = 0;
  /// The lowest and highest position kept.
  std::uint64_t first = 0;
  std::uint64_t last = 0;
  /// The time at which the oldest was journaled; 0 if none is kept.
  std::int64_t oldest_at = 0;
  /// Events published per second, over the last minute.
  double rate_per_s = 0;
  /// The number of events to be published later, and when the first of them is due; left out by a
  /// broker of an earlier release, `next_due` also if there are none.
  std::optional<std::uint64_t> scheduled{};
  std::optional<std::int64_t> next_due{};
};

TROUPE_MESSAGE(
    topic_state, topic, events, bytes, first, last, oldest_at, rate_per_s, scheduled, next_due)

struct group_state {
  std::string capability;
  std::vector<std::string> patterns;
  /// The number of events that it has not handled yet.
  std::uint64_t lag = 0;
  /// The numbers of events in the broker's memory: waiting, with a worker, failed and to be
  /// retried.
  std::uint64_t waiting = 0;
  std::uint64_t in_flight = 0;
  std::uint64_t retrying = 0;
  /// Its dead letters.
  std::uint64_t dead = 0;
  /// Age of the oldest event that it has not handled; absent if it has handled all.
  std::optional<std::int64_t> oldest_unacked_ms;
  /// Everything up to here is handled, or a dead letter.
  std::uint64_t cursor = 0;
  /// The workers that get its events.
  std::vector<std::string> nodes;
  /// The reason why it gets none, if a person has to look.
  std::optional<std::string> trouble{};
};

TROUPE_MESSAGE(
    group_state,
    capability,
    patterns,
    lag,
    waiting,
    in_flight,
    retrying,
    dead,
    oldest_unacked_ms,
    cursor,
    nodes,
    trouble)

/// The answer to `topics`.
struct topics_state {
  uuid journal;
  std::uint64_t last = 0;
  /// The topics, in the order of their names.
  std::vector<topic_state> topics;
  std::vector<group_state> groups;
  /// The `after` of the next page; absent if nothing follows the last topic.
  std::optional<std::string> next{};
};

TROUPE_MESSAGE(topics_state, journal, last, topics, groups, next)

/// `schedule`: publishes later. One of `at` and `after`. The call's id is the event's.
struct schedule_event {
  std::string topic;
  std::string key;
  binary_value body;
  /// A time ...
  std::optional<std::int64_t> at;
  /// ... or a duration from now.
  std::optional<std::int64_t> after;
};

TROUPE_MESSAGE(schedule_event, topic, key, body, at, after)

/// The answer to `schedule`, once it is on disk.
struct event_scheduled {
  uuid id;
};

TROUPE_MESSAGE(event_scheduled, id)

/// `scheduled`: the events to be published later, the earliest first.
struct get_scheduled {
  /// The topics whose events are selected: a topic, `PREFIX.*` or `*`.
  std::optional<std::string> topic{};
  /// The times between which they are due: at `from` or later, earlier than `before`.
  std::optional<std::int64_t> from{};
  std::optional<std::int64_t> before{};
  /// The id of the event, due at `from`, after which the answer begins: the next page.
  std::optional<uuid> after{};
  /// The most to give, 1 to 1,000.
  std::uint32_t count = 100;
};

TROUPE_MESSAGE(get_scheduled, topic, from, before, after, count)

/// An event that is to be published later.
struct waiting_event {
  uuid id;
  std::int64_t due_at = 0;
  std::string topic;
  std::string key;
  std::uint64_t body_bytes = 0;
  /// The body, only in the answer to `scheduled_event`.
  std::optional<binary_value> body{};
};

TROUPE_MESSAGE(waiting_event, id, due_at, topic, key, body_bytes, body)

/// The answer to `scheduled`.
struct scheduled_found {
  std::vector<waiting_event> events;
  /// The `from` and `after` of the next page; absent if there are no more.
  std::optional<std::int64_t> next_from{};
  std::optional<uuid> next{};
};

TROUPE_MESSAGE(scheduled_found, events, next_from, next)

/// `scheduled_event`: one `waiting_event`, with its body.
///
/// `rejected` if it is not scheduled, with the reason: `published`, `cancelled` or `not_scheduled`.
struct get_scheduled_event {
  uuid id;
};

TROUPE_MESSAGE(get_scheduled_event, id)

/// `cancel_scheduled`: the event is not published. Answered once that is on disk, with who ordered
/// it and why. `rejected` as `scheduled_event`, with nothing done.
struct cancel_scheduled {
  uuid id;
  /// The person who orders it, 1 to 256 bytes, and the reason, 1 to 1,000.
  std::string who;
  std::string why;
};

TROUPE_MESSAGE(cancel_scheduled, id, who, why)

/// The answer to `cancel_scheduled`: the event that will not be published.
struct scheduled_cancelled {
  uuid id;
  std::string topic;
  std::int64_t due_at = 0;
};

TROUPE_MESSAGE(scheduled_cancelled, id, topic, due_at)

/// Selects dead letters: those that match all given fields.
struct letter_filter {
  std::optional<std::string> capability{};
  /// A topic, `PREFIX.*` or `*`.
  std::optional<std::string> topic{};
  /// The cause, as in `letter`.
  std::optional<std::string> cause{};
  /// The times between which they were given up: at `since` or later, earlier than `before`.
  std::optional<std::int64_t> since{};
  std::optional<std::int64_t> before{};
};

TROUPE_MESSAGE(letter_filter, capability, topic, cause, since, before)

/// `dead_letters`: lists them, oldest first.
struct get_dead_letters {
  /// The capability whose letters are selected; all if absent.
  std::optional<std::string> capability;
  /// The letter after which the answer begins.
  std::optional<uuid> after;
  /// The most to give, 1 to 1,000.
  std::uint32_t count = 100;
  /// The selection of letters; a broker of an earlier release ignores it.
  std::optional<letter_filter> which{};
};

TROUPE_MESSAGE(get_dead_letters, capability, after, count, which)

/// An event that was given up for one capability, and why.
struct letter {
  uuid id;
  std::string capability;
  /// The position of the event.
  std::uint64_t position = 0;
  uuid event_id;
  std::string topic;
  std::string key;
  /// `rejected`, `invalid`, `transient` (its attempts are used up) or `crashed`.
  std::string cause;
  std::uint32_t attempts = 0;
  /// The times at which it was first delivered, and at which it was given up.
  std::int64_t first_at = 0;
  std::int64_t last_at = 0;
  /// The worker that tried last.
  std::string node;
  std::uint32_t replica = 0;
  /// The last error's text.
  std::string error;
  std::string traceparent;
  /// The event's body; only in the answer to `dead_letter`.
  std::optional<binary_value> body;
};

TROUPE_MESSAGE(
    letter,
    id,
    capability,
    position,
    event_id,
    topic,
    key,
    cause,
    attempts,
    first_at,
    last_at,
    node,
    replica,
    error,
    traceparent,
    body)

/// The answer to `dead_letters`.
struct letters_found {
  std::vector<letter> letters;
  /// The last letter of this answer, if more follow.
  std::optional<uuid> next;
};

TROUPE_MESSAGE(letters_found, letters, next)

/// `dead_letter`: one `letter`, with its body. `rejected` with reason `no_dead_letter` if there is
/// none with this id.
struct get_dead_letter {
  uuid id;
};

TROUPE_MESSAGE(get_dead_letter, id)

/// `retry_dead_letter`: delivers the event again to the capability it is a dead letter of.
/// `rejected` with reason `no_subscriber`, and nothing done, if that one gets no events of the
/// topic.
struct retry_dead_letter {
  /// The dead letter that is meant ...
  std::optional<uuid> id;
  /// ... or all of them, or all of one capability.
  std::optional<bool> all;
  std::optional<std::string> capability;
  /// The capability that gets them instead.
  std::optional<std::string> to;
};

TROUPE_MESSAGE(retry_dead_letter, id, all, capability, to)

/// Dead letters that are kept, since nobody would get their events.
struct letters_kept {
  /// The capability that does not get events of `topic`.
  std::string to;
  std::string topic;
  std::uint64_t letters = 0;
};

TROUPE_MESSAGE(letters_kept, to, topic, letters)

/// The answer to `retry_dead_letter`: the number of events delivered again.
struct letters_retried {
  std::uint64_t retried = 0;
  /// The letters that are kept, with `all`, if any are.
  std::optional<std::vector<letters_kept>> kept;
};

TROUPE_MESSAGE(letters_retried, retried, kept)

/// `retry_dead_letters`, answered as `retry_dead_letter` with `all`; `drop_dead_letters` forgets
/// them. These are separate operations because a broker of an earlier release would ignore the
/// filter.
struct change_dead_letters {
  letter_filter which;
  /// The capability that gets them instead, with `retry_dead_letters`.
  std::optional<std::string> to{};
  /// Whether this is a dry run: nothing is done, and the answer says what would be.
  bool dry_run = false;
};

TROUPE_MESSAGE(change_dead_letters, which, to, dry_run)

/// The answer to `drop_dead_letters`.
struct letters_dropped {
  std::uint64_t dropped = 0;
};

TROUPE_MESSAGE(letters_dropped, dropped)

/// `drop_dead_letter`: forgets a dead letter.
struct drop_dead_letter {
  uuid id;
};

TROUPE_MESSAGE(drop_dead_letter, id)

/// The answer to `drop_dead_letter`: false if there was no such dead letter.
struct letter_dropped {
  bool dropped = false;
};

TROUPE_MESSAGE(letter_dropped, dropped)

} // namespace troupe::wire
