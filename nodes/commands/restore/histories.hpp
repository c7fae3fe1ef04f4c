#pragma once

#include "runtime/broker/journal/batch.hpp"
#include "runtime/lineage.hpp"
#include "runtime/store/turn/subscriptions.hpp"
#include "runtime/store/turn/writers.hpp"
#include "runtime/worker/outbox_fit.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace troupe {

/// A database's view of the history that it shares with the journal.
struct database_history {
  std::string capability;
  uuid instance;

  /// Numbers of the events in the outbox; the newest event ever is always kept.
  std::uint64_t oldest = 1;
  std::uint64_t newest = 0;
  store::outbox_mark mark;
  std::optional<uuid> id_at_taken;
  std::optional<std::uint64_t> digest_at_taken;
  /// The event confirmed last, if it still exists.
  std::optional<store::outbox_row> confirmed_event;

  /// The journal whose events it handles, if it ever handled any.
  std::optional<uuid> journal;
  lineage lives;
  std::array<std::uint64_t, 64> handled{};
  /// For each partition, whether it ever received events.
  std::array<bool, 64> knows{};
  std::uint64_t highest = 0;
  /// Events waiting for another attempt.
  std::vector<std::uint64_t> postponed;
};

/// The journal's view of it.
struct journal_history {
  uuid instance;
  lineage lives;
  std::uint64_t last = 0;
  /// The capability's progress, if it ever received events.
  std::optional<broker::cursor_row> cursor{};
  /// The highest position deleted by retention among its topics.
  std::uint64_t deleted_to = 0;
};

/// How to make journal and outbox fit again.
struct outbox_reunion {
  outbox_fit fit = outbox_fit::fits;
  /// The journal's row, before and after.
  broker::source_row now;
  broker::source_row then;
  /// Events in the journal that the outbox may send again under other numbers; they are not taken
  /// twice.
  std::uint64_t remembered = 0;
  /// The number of events that neither has: confirmed by a journal that is lost, and deleted from
  /// the outbox since.
  std::uint64_t lost = 0;
};

/// How to make a database and the events that it handles fit again.
struct events_reunion {
  enum class finding : std::uint8_t { fits, journal_is_older, other_journal, events_deleted };

  finding found = finding::fits;
  /// The last position that both sides know as the same event; events of the journal above it are
  /// handled as new. If events were deleted: the last deleted position.
  std::uint64_t shared = 0;
  /// Events above it that waited for another attempt. Only the other journal had their bodies.
  std::vector<std::uint64_t> lost;
  /// If events were deleted: the capability's progress from then on.
  broker::cursor_row then{};
};

/// Makes the journal continue after `row.taken`, so that it fits a database with this mark.
void begin_at(broker::source_row& row, const store::outbox_mark& mark);

/// @param taken the journal's row of this outbox; empty if it has none.
outbox_reunion
reunite_outbox(const database_history& database, const std::optional<broker::source_row>& taken);

events_reunion reunite_events(const database_history& database, const journal_history& journal);

/// Whether the database has handled the event at this position of the journal it knew.
bool has_handled(const database_history& database, std::uint32_t partition, std::uint64_t position);

} // namespace troupe
