#pragma once

#include "runtime/ids.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

// Which of several brokers has a journal that they share in one database. Decided here without a
// clock, thread or database; `lease_table` reads and writes the row, `journal_keeper` acts.
//
// The right to write is the generation, and nothing else: every transaction of the journal's writer
// begins by touching the row of its generation, and is nothing if there is none. The time of the
// lease and the word of the owner's session only say when to try to raise the generation. Both are
// the database's; no broker's clock is compared with another's.

namespace troupe::broker {

/// The row of the lease, as one look found it.
struct lease_seen {
  /// Of the last taking; 0: nobody ever had the journal.
  std::uint64_t generation = 0;
  /// The process that took it.
  uuid owner{};
  std::string owner_name{};
  /// Where that broker listens.
  std::string owner_at{};
  /// When it was taken, in milliseconds since 1970, by the database's clock.
  std::int64_t since = 0;
  /// When the lease ends by the database's clock; only good to be compared with another look's.
  std::int64_t until = 0;
  /// From the look until then. 0 or less: it has ended.
  std::chrono::milliseconds left{0};
  /// Whether the session in which it was taken is still there, as far as the database can tell.
  bool is_attended = true;

  bool operator==(const lease_seen&) const = default;
};

/// The broker that looks.
struct lease_self {
  uuid owner{};
  /// The generation in which it has the journal; nothing if it has not.
  std::optional<std::uint64_t> holds{};
  /// Whether it wants the journal: it is not being drained.
  bool is_candidate = true;
  /// Whether its socket loop turns. One that stands still lets the lease end.
  bool is_lively = true;
};

enum class lease_step : std::uint8_t {
  wait,
  /// Raise the generation, if the row is still as it was seen.
  take,
  /// Put the end of the lease off.
  renew,
  /// Another broker has raised the generation.
  give_up,
};

/// Whether the owner has to put the end of its lease off.
///
/// One that ends later than it could was renewed before the database's clock went back, and would
/// keep the others waiting for as long, should this broker be stopped.
bool is_renewal_due(std::chrono::milliseconds left, std::chrono::milliseconds lease);

lease_step decide(const lease_seen& seen, const lease_self& self, std::chrono::milliseconds lease);

/// The same for a broker that could not look for so long, by its own clock: it gives up what it can
/// no longer use, so that it does not say it has it.
lease_step decide_unseen(
    const lease_self& self, std::chrono::milliseconds unseen, std::chrono::milliseconds lease);

} // namespace troupe::broker
