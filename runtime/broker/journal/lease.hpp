#pragma once

#include "runtime/ids.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

// Decides which of several brokers has a shared journal, without a clock, thread or database;
// `lease_table` reads and writes the row, `journal_keeper` acts.
//
// Only the generation gives the right to write: every transaction of the journal's writer begins by
// locking the row of its generation, and fails if there is none. The time of the lease and the mark
// of the owner's session only say when to try to raise the generation. Both are the database's; no
// broker's clock is compared with another's.

namespace troupe::broker {

/// The row of the lease, as read once.
struct lease_seen {
  /// The generation of the last taking; 0: no broker ever had the journal.
  std::uint64_t generation = 0;
  /// The process that took it.
  uuid owner{};
  std::string owner_name{};
  /// Where that broker listens.
  std::string owner_at{};
  /// The time of the taking, in milliseconds since 1970, by the database's clock.
  std::int64_t since = 0;
  /// The end of the lease by the database's clock; only for comparison with another reading.
  std::int64_t until = 0;
  /// The time from the reading until then. 0 or less: the lease has ended.
  std::chrono::milliseconds left{0};
  /// Whether the session in which it was taken still exists, as far as the database can tell.
  bool is_attended = true;

  bool operator==(const lease_seen&) const = default;
};

/// The broker that reads the lease.
struct lease_self {
  uuid owner{};
  /// The generation in which it has the journal; nothing if it does not have it.
  std::optional<std::uint64_t> holds{};
  /// Whether it wants the journal: it is not being drained.
  bool is_candidate = true;
  /// Whether its socket loop runs. If it stalls, the lease is not renewed.
  bool is_lively = true;
};

enum class lease_step : std::uint8_t {
  wait,
  /// Raise the generation, if the row is still as it was read.
  take,
  /// Extend the lease.
  renew,
  /// Another broker has raised the generation.
  give_up,
};

/// Whether the owner must extend its lease.
///
/// A lease that ends later than possible was renewed before the database's clock went back, and
/// would block the others for that long if this broker stopped.
bool is_renewal_due(std::chrono::milliseconds left, std::chrono::milliseconds lease);

lease_step decide(const lease_seen& seen, const lease_self& self, std::chrono::milliseconds lease);

/// The same for a broker that could not read the lease for `unseen`, by its own clock: it gives up
/// the journal that it can no longer use, so that it does not claim to have it.
lease_step decide_unseen(
    const lease_self& self, std::chrono::milliseconds unseen, std::chrono::milliseconds lease);

} // namespace troupe::broker
