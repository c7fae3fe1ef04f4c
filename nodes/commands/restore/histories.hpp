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

/// The part of a capability's database in the history that it shares with the journal.
struct database_history {
  std::string capability;
  uuid instance;

  /// Numbers of the events that are still in the outbox; the newest is, if there ever was one.
  std::uint64_t oldest = 1;
  std::uint64_t newest = 0;
  store::outbox_mark mark;
  std::optional<uuid> id_at_taken;
  std::optional<std::uint64_t> digest_at_taken;
  /// The event that was confirmed last, if it is still there.
  std::optional<store::outbox_row> confirmed_event;

  /// The journal whose events it handles, if it ever handled any.
  std::optional<uuid> journal;
  lineage lives;
  std::array<std::uint64_t, 64> handled{};
  /// Whether it has ever been given events of the partition.
  std::array<bool, 64> knows{};
  std::uint64_t highest = 0;
  /// Events that wait for another try.
  std::vector<std::uint64_t> postponed;
};

/// The journal's part in it.
struct journal_history {
  uuid instance;
  lineage lives;
  std::uint64_t last = 0;
  /// How far the capability has come, if it ever got events.
  std::optional<broker::cursor_row> cursor{};
  /// Up to here retention has deleted events that it subscribes to.
  std::uint64_t deleted_to = 0;
};

/// The reunion of the two sides of an outbox.
struct outbox_reunion {
  outbox_fit fit = outbox_fit::fits;
  /// The journal's row, now and then.
  broker::source_row now;
  broker::source_row then;
  /// Events in the journal that the outbox may send again, under other numbers: not taken twice.
  std::uint64_t remembered = 0;
  /// The number of events that are in neither: confirmed by a journal that is lost, and deleted
  /// here since.
  std::uint64_t lost = 0;
};

/// The reunion of a database with the events that it handles.
struct events_reunion {
  enum class finding : std::uint8_t { fits, journal_is_older, other_journal, events_deleted };

  finding found = finding::fits;
  /// The last position that both sides know as the same event. What the journal has above it is
  /// handled as new. Where events are deleted: the last position that was deleted.
  std::uint64_t shared = 0;
  /// Events above it that waited for another try. Their bodies were in the other journal alone.
  std::vector<std::uint64_t> lost;
  /// Where events are deleted: how far the capability has come from then on.
  broker::cursor_row then{};
};

/// Lets the journal go on behind `row.taken`, in such a way that it fits a database with this mark
/// from that moment on.
void begin_at(broker::source_row& row, const store::outbox_mark& mark);

/// @param taken the journal's row of this outbox; empty if it has none.
outbox_reunion
reunite_outbox(const database_history& database, const std::optional<broker::source_row>& taken);

events_reunion reunite_events(const database_history& database, const journal_history& journal);

/// Whether the database has handled the event at this position, in the journal it knew.
bool has_handled(const database_history& database, std::uint32_t partition, std::uint64_t position);

} // namespace troupe
