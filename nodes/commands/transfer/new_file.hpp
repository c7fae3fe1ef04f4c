#pragma once

#include "nodes/commands/transfer/database_copy.hpp"
#include "runtime/clock.hpp"
#include "runtime/outcome.hpp"

#include <functional>
#include <string>

namespace troupe {

/// A SQLite file that is to become the copy of a database.
struct new_file {
  const stored_database& what;
  store::table_space from;
  std::string path;
  /// Called with the database once it is filled.
  std::function<void(store::database&)> look{};
};

/// Creates and fills the file, or continues what an earlier call has left, and compares it with its
/// source. At the end it is closed, complete without a WAL, and read through; no other file is
/// beside it.
/// @errors of `copy_rows` and `check_equal`; of `open_sqlite`.
outcome<database_size> fill_new_file(const new_file& made, const clock& time);

/// Records beside `path` that this database belongs there, so that a missing file is noticed.
/// @errors of turnstile::lock.
outcome<void> note_database(const std::string& path, const uuid& instance);

/// Deletes a SQLite database with all files that belong to it.
/// @errors `internal`, of the disk.
outcome<void> delete_database(const std::string& path);

} // namespace troupe
