#pragma once

#include "runtime/outcome.hpp"
#include "runtime/store/database.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace troupe::store {

/// How a SQLite database is opened.
struct sqlite_options {
  /// The capability that owns the data ("orders"). Written into a new file; the file of another
  /// owner is refused. Required, but empty with read_only takes any file.
  std::string capability{};
  /// For checkers and queries: nothing is made, checked, locked or checkpointed.
  bool read_only = false;
  /// With read_only: the file is whole by itself and nobody writes to it (a backup), so that
  /// nothing is made beside it.
  bool is_still = false;
  /// For programs that move data: open although `PATH.migrating` says that the data are leaving.
  bool is_moving = false;
  /// False: a missing file is refused instead of made.
  bool create = true;
  /// False only for data that may be lost (and as a counter-check in tests): commits do not fsync.
  bool durable = true;
  /// Pages kept in memory, at most, in KiB; grows with use. 64 to 1,048,576.
  int cache_kib = 2048;
  /// Prepared statements kept. 1 to 10,000.
  std::size_t statements_max = 256;
  /// How long a statement waits for other programs (a shell, a recovery). 0 to 60 s. Troupe's own
  /// writers queue at the turnstile instead.
  std::chrono::milliseconds busy_timeout{2000};
  /// How long opening waits for the turnstile. 0 to 10 min.
  std::chrono::milliseconds lock_patience{10'000};
  /// Files up to this size are read through (`quick_check`) when they are opened. Larger ones are
  /// checked as they are used, since a restart has to take less than a few seconds.
  std::int64_t check_bytes_max = std::int64_t{64} * 1024 * 1024;
  /// checkpoint() copies the WAL back when it has this many pages more than last time. 1 or more.
  int checkpoint_pages = 1000;
  /// From this many pages on, it cuts the WAL file down too. More than checkpoint_pages.
  int truncate_pages = 16'000;
  /// SQLite's name of another file layer; empty for the system's own. For tests.
  std::string vfs{};
  /// Called when the disk did not confirm a write, or before a commit to a file that is no longer
  /// found under its name: from then on nothing may be confirmed. The default writes a line to
  /// stderr and ends the process at once with status 74 (EX_IOERR). After a handler that returns,
  /// the session only throws.
  std::function<void(const std::string& message)> on_fatal{};
};

/// Opens the SQLite database in the file `path`; creates it, and its folder, if missing.
///
/// Takes the turnstile of `path` (turnstile.hpp) during set-up; the caller must not hold it.
///
/// @errors `invalid` (options; a file on a network file system; another capability's file; not made
/// by Troupe; missing while create is off); `unavailable` (turnstile or file busy, disk full: try
/// again); `internal` with details {fault: corrupt | io | fsync | ...}: an operator has to look. A
/// damaged file is left unchanged.
outcome<std::unique_ptr<database>>
open_sqlite(const std::string& path, const sqlite_options& options);

} // namespace troupe::store
