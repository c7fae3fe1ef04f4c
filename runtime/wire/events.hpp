#pragma once

#include "runtime/ids.hpp"
#include "runtime/wire/message.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

// What workers and the broker that keeps the journal tell each other about events (FORMAT.md,
// "Events").

namespace troupe::wire {

/// The events of a subscribed capability are spread over so many partitions, by key. Part of the
/// format: positions are kept per partition.
inline constexpr std::uint32_t partition_count = 64;

/// 0 to 63: the XXH3-64 of the key, or of the id's 16 bytes where there is no key, modulo 64.
std::uint32_t partition_of(std::string_view key, const uuid& id);

/// Whether `topic` is one of those that `pattern` means: `order.created` itself, `order.*` all that
/// begin with `order.`, `*` all.
bool matches(std::string_view pattern, std::string_view topic);

/// 1 to 64 bytes of `a-z 0-9 _ .`, no empty part between dots.
bool is_topic(std::string_view text);

/// Whether `text` means topics: the name of one, `PREFIX.*` or `*`.
bool is_pattern(std::string_view text);

/// OUTBOX, from a worker when it logged in: what the outbox of one of its databases holds.
struct outbox_state {
  std::string capability;
  /// Of the database (troupe_meta).
  uuid instance;
  /// The highest number given to an event, and that event's id; 0 if there was none yet.
  std::uint64_t newest = 0;
  uuid newest_id;
};

TROUPE_MESSAGE(outbox_state, capability, instance, newest, newest_id)

/// CONFIRMED, to the workers of a capability: its events up to here are in the journal.
struct confirmed {
  std::string capability;
  std::uint64_t up_to = 0;
  /// If not empty: nothing more is taken from this outbox, and why. For people.
  std::string refused;
};

TROUPE_MESSAGE(confirmed, capability, up_to, refused)

/// RESEND, to one worker: relay these numbers, again if need be.
struct resend {
  std::string capability;
  std::uint64_t from = 0;
  std::uint64_t to = 0;
};

TROUPE_MESSAGE(resend, capability, from, to)

/// How far a partition has come.
struct progress {
  std::uint32_t partition = 0;
  std::uint64_t position = 0;
};

TROUPE_MESSAGE(progress, partition, position)

/// ASSIGN, to one worker: these partitions are its own from now on.
struct assign {
  std::string capability;
  /// Whose positions they are. A database keeps those of one journal.
  uuid journal;
  /// Above all earlier ones of this capability, also those of earlier lives of the broker.
  std::uint64_t epoch = 0;
  /// With each, where it begins if the database has never seen it: above that position.
  std::vector<progress> partitions;
};

TROUPE_MESSAGE(assign, capability, journal, epoch, partitions)

/// An event that was not handled in its turn.
struct postponed {
  std::uint64_t position = 0;
  /// Tries that failed; 0: it only waits behind an earlier one of its key.
  std::uint32_t attempts = 0;
  /// Given up: to be made a dead letter.
  bool dead = false;
  /// "transient", "rejected", "invalid", "crashed"; empty if it only waits.
  std::string cause;
  /// The last error's text.
  std::string error;
  std::uint32_t replica = 0;
};

TROUPE_MESSAGE(postponed, position, attempts, dead, cause, error, replica)

/// Where a partition stands in a capability's database.
struct partition_state {
  std::uint32_t partition = 0;
  /// Everything up to here is handled, except what is postponed.
  std::uint64_t handled = 0;
  std::vector<postponed> waiting;
};

TROUPE_MESSAGE(partition_state, partition, handled, waiting)

/// ASSIGNED, the answer to ASSIGN once the epoch is in the capability's database.
struct assigned {
  std::string capability;
  std::uint64_t epoch = 0;
  std::vector<partition_state> partitions;
  /// If not empty: the database keeps the positions of another journal. For people.
  std::string refused;
};

TROUPE_MESSAGE(assigned, capability, epoch, partitions, refused)

/// HANDLED, after the commit of a turn that worked on events.
struct handled {
  std::string capability;
  /// Of each partition worked on, the last position handled or postponed. All delivered before it
  /// are handled too, or postponed.
  std::vector<progress> upto;
  /// Of `upto`, those that are still to be handled. The broker delivers them again.
  std::vector<postponed> waiting;
  /// Postponed before, handled now.
  std::vector<std::uint64_t> done;
};

TROUPE_MESSAGE(handled, capability, upto, waiting, done)

/// BURIED, to the worker that has the partition: these are dead letters now, on disk. Of those it
/// had postponed it forgets them; one above what it has handled counts as handled.
struct buried {
  std::string capability;
  std::vector<std::uint64_t> positions;
};

TROUPE_MESSAGE(buried, capability, positions)

} // namespace troupe::wire
