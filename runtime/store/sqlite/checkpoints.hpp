#pragma once

#include "runtime/store/sqlite/database.hpp"

#include <sqlite3.h>

namespace troupe::store {

/// Decides when a connection's WAL is copied back into the database file, and does it. SQLite's own
/// checkpoints are off: two connections that checkpoint and write at once can corrupt a WAL (SQLite
/// before 3.51.3), so these run only under the turnstile. Lives as long as its connection, on its
/// thread.
class checkpoints {
public:
  /// @param options is borrowed.
  checkpoints(sqlite3* connection, const sqlite_options& options);
  checkpoints(const checkpoints&) = delete;
  checkpoints& operator=(const checkpoints&) = delete;
  ~checkpoints() = default;

  /// Makes the connection report the WAL's size after each commit. `PRAGMA wal_autocheckpoint`
  /// undoes this.
  void watch();

  bool is_due() const { return wal_pages_ >= next_; }

  /// Pages in the WAL.
  int pages() const { return wal_pages_; }

  /// Copies back what it can without waiting for readers, and truncates the WAL file once it is
  /// large.
  /// @return SQLite's result code; busy and full leave all commits in the WAL, for a later attempt.
  int run();

  /// Copies back the whole WAL and empties it, before the connection is closed; waits 250 ms for
  /// readers.
  /// @return as run().
  int run_all();

private:
  static int after_commit(void* self, sqlite3*, const char*, int pages) noexcept;

  sqlite3* connection_;
  const sqlite_options& options_;
  int wal_pages_ = 0;
  int next_;
};

} // namespace troupe::store
