#pragma once

#include "nodes/commands/restore/histories.hpp"
#include "nodes/commands/transfer/server_books.hpp"
#include "nodes/commands/transfer/stored_database.hpp"
#include "runtime/broker/journal/writer.hpp"
#include "runtime/clock.hpp"
#include "runtime/outcome.hpp"
#include "runtime/store/database.hpp"
#include "runtime/store/gate.hpp"
#include "topology/plan.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace troupe {

/// A capability's database, open and locked.
struct open_database {
  store::gate gate; // The lock of a file; released after the session is closed.
  std::unique_ptr<store::database> session;
  database_history history;
  outbox_reunion outbox;
  events_reunion events;

  bool fits() const {
    return outbox.fit == outbox_fit::fits && events.found == events_reunion::finding::fits;
  }
};

/// A database that is not here: on another machine, not created yet, or (`is_lost`) gone.
struct absent_database {
  std::string owner;
  std::string place;
  bool is_lost = false;
};

/// Whether databases are opened for changes, or only for comparison, in which case tables of an
/// earlier release are not migrated either.
enum class opening : std::uint8_t { to_look, to_write };

/// The journal and all databases of a topology, open, with the mismatches found.
struct open_files {
  /// Excludes other commands that move data from the servers.
  std::optional<server_books> books;
  broker::journal_state state;
  /// Null if opened only for comparison.
  std::unique_ptr<broker::journal_writer> journal;
  std::vector<open_database> databases;
  std::vector<absent_database> absent;
};

/// Opens the journal and every existing database of `plan`, and compares them.
/// @errors of the stores; `unavailable` if a process has one of them open, or a session with its
/// server.
outcome<open_files> open_all(const topology::plan& plan, const clock& time, opening how);

/// Makes all of them, which were opened for changes, fit together: one transaction of the journal,
/// then one of each database. After an interruption, a repeat does the rest.
/// @errors of the stores.
outcome<void> accept(const topology::plan& plan, open_files& all, const clock& time);

} // namespace troupe
