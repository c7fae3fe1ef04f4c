#pragma once

#include "runtime/ids.hpp"
#include "runtime/lineage.hpp"
#include "runtime/wire/message.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

// Messages about events between workers and the broker that keeps the journal (FORMAT.md,
// "Events").

namespace troupe {

TROUPE_MESSAGE(journal_life, id, first)

} // namespace troupe

namespace troupe::wire {

/// The number of partitions over which a capability's events are spread by key. Part of the disk
/// format: databases keep a position for each partition.
inline constexpr std::uint32_t partition_count = 64;

/// 0 to 63: the XXH3-64 of the key, or of the id's 16 bytes where there is no key, modulo 64.
std::uint32_t partition_of(std::string_view key, const uuid& id);

/// Whether `pattern` covers `topic`: `order.created` covers itself, `order.*` all topics that begin
/// with `order.`, `*` every topic.
bool matches(std::string_view pattern, std::string_view topic);

/// Whether one of `patterns` covers `topic`.
bool matches_any(std::span<const std::string> patterns, std::string_view topic);

/// 1 to 64 bytes of `a-z 0-9 _ .`, no empty part between dots.
bool is_topic(std::string_view text);

/// Whether `text` is a pattern of topics: a topic's name, `PREFIX.*` or `*`.
bool is_pattern(std::string_view text);

/// OUTBOX, from a worker after its login: the state of the outbox in one of its databases.
struct outbox_state {
  std::string capability;
  /// The instance id of the database (table troupe_meta).
  uuid instance;
  /// The highest number given to an event, and that event's id; 0 if there was none yet.
  std::uint64_t newest = 0;
  uuid newest_id;
  /// The reason why the worker relays nothing, in words, if there is one: the outbox does not match
  /// the number that the broker confirmed.
  std::optional<std::string> trouble{};
};

TROUPE_MESSAGE(outbox_state, capability, instance, newest, newest_id, trouble)

/// CONFIRMED, to the workers of a capability: its events up to this number are in the journal.
struct confirmed {
  std::string capability;
  std::uint64_t up_to = 0;
  /// The reason why nothing more is accepted from this outbox, in words; empty if there is none.
  /// With one, `up_to` is 0: nothing may be deleted.
  std::string refused;
  /// The id of the event numbered `up_to`, and its position in the journal, if they are known.
  std::optional<uuid> id{};
  std::optional<std::uint64_t> position{};
  /// The sum of the digests (`store::outbox_digest`) of the events numbered above `digest_from`, up
  /// to `up_to`.
  std::optional<std::uint64_t> digest{};
  std::optional<std::uint64_t> digest_from{};
};

TROUPE_MESSAGE(confirmed, capability, up_to, refused, id, position, digest, digest_from)

/// RESEND, to one worker: relay these numbers, again if necessary.
struct resend {
  std::string capability;
  std::uint64_t from = 0;
  std::uint64_t to = 0;
};

TROUPE_MESSAGE(resend, capability, from, to)

/// The progress of a partition.
struct progress {
  std::uint32_t partition = 0;
  std::uint64_t position = 0;
};

TROUPE_MESSAGE(progress, partition, position)

/// An event that was not handled when it was due.
struct postponed {
  std::uint64_t position = 0;
  /// The number of failed tries; 0: it only waits behind an earlier one of its key.
  std::uint32_t attempts = 0;
  /// True if it was given up and becomes a dead letter.
  bool dead = false;
  /// "transient", "rejected", "invalid", "crashed"; empty if it only waits.
  std::string cause;
  /// The last error's text.
  std::string error;
  std::uint32_t replica = 0;
};

TROUPE_MESSAGE(postponed, position, attempts, dead, cause, error, replica)

/// A postponed event with its key; later events with that key wait for it.
struct remembered_event {
  postponed what;
  std::string key;
};

TROUPE_MESSAGE(remembered_event, what, key)

/// A partition whose positions no database keeps.
struct remembered_partition {
  std::uint32_t partition = 0;
  /// Everything up to this position is handled, except postponed events.
  std::uint64_t handled = 0;
  std::vector<remembered_event> waiting;
};

TROUPE_MESSAGE(remembered_partition, partition, handled, waiting)

/// ASSIGN, to one worker: it has these partitions from now on.
struct assign {
  std::string capability;
  /// The journal whose positions these are. A database keeps positions of one journal only.
  uuid journal;
  /// Above all earlier ones of this capability, also those from before a restart of the broker.
  std::uint64_t epoch = 0;
  /// Each partition with the position after which it begins, for a database that has never seen it.
  std::vector<progress> partitions;
  /// The newest lives of the journal, by rising position: which life wrote what the worker will
  /// read.
  std::optional<std::vector<journal_life>> lives{};
  /// For a capability without a database: what its workers have reported about these partitions so
  /// far, if it is known and fits into the message.
  std::optional<std::vector<remembered_partition>> remembered{};
};

TROUPE_MESSAGE(assign, capability, journal, epoch, partitions, lives, remembered)

/// The state of a partition in a capability's database.
struct partition_state {
  std::uint32_t partition = 0;
  /// Everything up to this position is handled, except postponed events.
  std::uint64_t handled = 0;
  std::vector<postponed> waiting;
};

TROUPE_MESSAGE(partition_state, partition, handled, waiting)

/// ASSIGNED, the answer to ASSIGN once the epoch is in the capability's database.
struct assigned {
  std::string capability;
  std::uint64_t epoch = 0;
  std::vector<partition_state> partitions;
  /// An error text if the database keeps the positions of another journal; else empty.
  std::string refused;
  /// The highest position that the database has handled, and the life of the journal that wrote it.
  std::optional<std::uint64_t> highest{};
  std::optional<uuid> life{};
  /// The highest epoch in the database, if it is above the assigned one: the partitions that have
  /// it are left out of `partitions`.
  std::optional<std::uint64_t> epoch_seen{};
};

TROUPE_MESSAGE(assigned, capability, epoch, partitions, refused, highest, life, epoch_seen)

/// HANDLED, after the commit of a turn that worked on events.
struct handled {
  std::string capability;
  /// The last position handled or postponed, for each partition worked on. All events delivered
  /// before it are handled or postponed too.
  std::vector<progress> upto;
  /// Events up to `upto` that are still to be handled. The broker delivers them again.
  std::vector<postponed> waiting;
  /// Events that were postponed before and are handled now.
  std::vector<std::uint64_t> done;
};

TROUPE_MESSAGE(handled, capability, upto, waiting, done)

/// BURIED, to the worker that has the partition: these events are dead letters now, on disk. The
/// worker forgets those that it had postponed; an event above its handled position counts as
/// handled from now on.
struct buried {
  std::string capability;
  std::vector<std::uint64_t> positions;
};

TROUPE_MESSAGE(buried, capability, positions)

} // namespace troupe::wire
