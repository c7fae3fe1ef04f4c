#pragma once

#include "runtime/broker/journal/event.hpp"
#include "runtime/error.hpp"
#include "runtime/lineage.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace troupe::broker {

/// How far the outbox of one database has been taken into the journal.
struct source_row {
  std::string capability{};
  /// Of the database.
  uuid instance{};
  /// Every event of the outbox up to this number is in the journal; the one with this number has
  /// the id `taken_id`; zeros if that is not known.
  std::uint64_t taken = 0;
  uuid taken_id{};
  /// The sum of `store::outbox_digest` over the events numbered above `digest_from`, up to `taken`.
  std::uint64_t digest = 0;
  std::uint64_t digest_from = 0;
};

/// An event of an outbox that went back: it is in the journal under a number that the outbox uses
/// again, and is not taken a second time if its turn is repeated.
struct rewound_event {
  std::string capability{};
  /// Of the database.
  uuid instance{};
  uuid id{};
};

/// The progress of a subscribed capability, as last reported: events after its cursor are kept by
/// retention, and delivered again after a restart.
struct cursor_row {
  std::string capability{};
  /// By partition: every event up to this position is handled, or a dead letter.
  std::array<std::uint64_t, 64> handled{};
  /// By partition: what the capability's database had passed for certain (`subscriber::reached`);
  /// 0: not known.
  std::array<std::uint64_t, 64> reached{};

  bool operator==(const cursor_row&) const = default;
};

/// A scheduled event, to be published later. It has no position yet.
struct scheduled_event {
  uuid id{};
  /// Milliseconds since 1970 (UTC).
  std::int64_t due_at = 0;
  event_ref what{};
};

/// A person's order to cancel a scheduled event.
struct cancellation {
  /// Of the event.
  uuid id{};
  /// The id of the order, by which a repeat is recognised.
  uuid request{};
  std::string who{};
  std::string why{};
  /// Milliseconds since 1970 (UTC).
  std::int64_t at = 0;
};

/// An order to retry or drop dead letters; its id recognises a repeat.
struct letter_order {
  uuid request{};
  /// The number of dead letters that it has retried or dropped so far, including those of the
  /// batch.
  std::uint64_t letters = 0;
};

/// The ids of events that a batch has not scheduled.
struct refused_rows {
  /// Ids under which other events wait.
  std::vector<uuid> clashed{};
  /// Ids that a person has cancelled.
  std::vector<uuid> cancelled{};
  /// The ids of dead letters that a person has retried or dropped before.
  std::vector<uuid> decided{};
};

/// An outbox that goes back to an earlier number: a copy of its database is in use.
struct rewind {
  std::string capability{};
  uuid instance{};
  /// The number of its newest events that are remembered (`rewound_event`): they may come again.
  std::uint64_t events = 0;
};

/// One transaction of the journal: written whole and synced before it is answered, or not at all.
struct journal_batch {
  /// Positions are set, contiguous, and follow the last one in the journal.
  std::vector<event_ref> events{};
  std::vector<source_row> sources{};
  std::vector<cursor_row> cursors{};
  /// New ones. A capability and position that have a dead letter already keep it unchanged.
  std::vector<dead_letter> dead_letters{};
  /// Ids of dead letters to delete, as a person dropped them, or as `events` has them again.
  std::vector<uuid> dropped{};
  /// The orders by which they are deleted.
  std::vector<letter_order> letter_orders{};
  std::vector<scheduled_event> scheduled{};
  /// Ids of scheduled events to delete, as they are in `events`.
  std::vector<uuid> fired{};
  /// Cancellations: the scheduled events are deleted, and the orders stored.
  std::vector<cancellation> cancelled{};
  /// Carried out before the other rows are written.
  std::vector<rewind> rewinds{};

  bool empty() const {
    return events.empty() && sources.empty() && cursors.empty() && dead_letters.empty()
           && dropped.empty() && scheduled.empty() && fired.empty() && cancelled.empty()
           && rewinds.empty();
  }
};

/// Retention has deleted events of a topic up to a position.
struct topic_deletion {
  std::string topic{};
  std::uint64_t upto = 0;
};

/// The state of a journal that a broker needs after opening it. Bounded, however much the journal
/// holds.
struct journal_state {
  /// The database's id: positions of another database mean nothing here.
  uuid instance{};
  /// How often the journal has been opened for writing: 1, 2, 3 ... Epochs begin with it.
  std::uint64_t generation = 0;
  /// The highest position ever given; 0 if none was.
  std::uint64_t last = 0;
  /// The lives that wrote the positions; the last one began with this opening.
  lineage lives{};
  std::vector<source_row> sources{};
  std::vector<rewound_event> rewound{};
  std::vector<cursor_row> cursors{};
  std::vector<std::string> topics{};

  struct published {
    uuid id;
    std::uint64_t position = 0;
    std::uint64_t digest = 0;
  };

  /// The last 65,536 events that clients published, oldest first.
  std::vector<published> recent{};

  struct dead_letter_at {
    std::string capability;
    std::uint64_t position = 0;
  };

  std::vector<dead_letter_at> dead_letters{};
  /// The time by which events are deleted (settled_time.hpp), as last stored, in milliseconds since
  /// 1970; 0 in a new journal.
  std::int64_t settled = 0;
  /// The time at which the first scheduled event is due.
  std::optional<std::int64_t> next_due{};
  /// How far retention has deleted events, by topic; all topics that were forgotten share an empty
  /// name.
  std::vector<topic_deletion> deletions{};
};

} // namespace troupe::broker
