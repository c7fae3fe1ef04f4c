#pragma once

#include "runtime/broker/journal/event.hpp"
#include "runtime/error.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

// What the socket loop asks the journal's threads for, and what they answer.

namespace troupe::broker {

/// How far the outbox of one database has been taken into the journal.
struct source_row {
  std::string capability{};
  /// Of the database.
  uuid instance{};
  /// Everything up to this number is in the journal; the event with it has this id.
  std::uint64_t taken = 0;
  uuid taken_id{};
};

/// What a subscribed capability has handled, as the broker last heard: what retention may not
/// delete, and where delivery begins after a restart.
struct cursor_row {
  std::string capability{};
  /// By partition: events up to here are handled, or dead letters.
  std::array<std::uint64_t, 64> handled{};
  /// By partition: what its database had passed for certain (`subscriber::reached`); 0: not known.
  std::array<std::uint64_t, 64> reached{};

  bool operator==(const cursor_row&) const = default;
};

/// An event that is to be published later.
struct scheduled_event {
  uuid id{};
  /// Milliseconds since 1970 (UTC).
  std::int64_t due_at = 0;
  event_ref what{}; // Without position.
};

/// What is written in one transaction, synced before it is answered. All of it, or nothing.
struct journal_batch {
  /// Positions are set, contiguous, and follow the last one in the journal.
  std::vector<event_ref> events{};
  std::vector<source_row> sources{};
  std::vector<cursor_row> cursors{};
  /// A letter for a capability and position that has one already changes nothing.
  std::vector<dead_letter> buried{};
  /// Dead letters to delete: dropped, or tried again by one of `events`.
  std::vector<uuid> exhumed{};
  std::vector<scheduled_event> scheduled{};
  /// Scheduled events to delete: they are among `events`.
  std::vector<uuid> fired{};

  bool empty() const {
    return events.empty() && sources.empty() && cursors.empty() && buried.empty() && exhumed.empty()
           && scheduled.empty() && fired.empty();
  }
};

/// What the journal knows when it has been opened. Bounded, whatever it holds.
struct journal_state {
  /// Of the database: positions of another one mean nothing here.
  uuid instance{};
  /// How often it has been opened for writing: 1, 2, 3 ... What epochs begin with.
  std::uint64_t generation = 0;
  /// The highest position ever given; 0 if none was.
  std::uint64_t last = 0;
  std::vector<source_row> sources{};
  std::vector<cursor_row> cursors{};
  std::vector<std::string> topics{};

  /// What clients published last, oldest first: those of the last 65,536 events that have a digest.
  struct published {
    uuid id;
    std::uint64_t position = 0;
    std::uint64_t digest = 0;
  };

  std::vector<published> recent{};

  struct grave {
    std::string capability;
    std::uint64_t position = 0;
  };

  /// Of dead letters.
  std::vector<grave> graves{};
  /// When the first scheduled event is due.
  std::optional<std::int64_t> next_due{};
};

} // namespace troupe::broker
