#pragma once

#include "nodes/commands/transfer/database_copy.hpp"
#include "runtime/clock.hpp"
#include "runtime/outcome.hpp"

#include <functional>
#include <string>

namespace troupe {

/// A SQLite file that is to be the copy of a database.
struct new_file {
  const stored_database& what;
  store::table_space from;
  std::string path;
  /// Looks into it once it is filled.
  std::function<void(store::database&)> look{};
};

/// Makes and fills the file, or goes on with what an earlier call has left of it, and compares it
/// with where it came from. In the end it is closed, whole without a WAL, and read through; nothing
/// is beside it.
/// @errors of `copy_rows` and `check_equal`; of `open_sqlite`.
outcome<database_size> fill_new_file(const new_file& made, const clock& time);

/// Notes beside `path` that this database belongs there, so that a missing file is noticed.
/// @errors of turnstile::lock.
outcome<void> note_database(const std::string& path, const uuid& instance);

/// Deletes a SQLite database with all that stands beside it.
/// @errors `internal`, of the disk.
outcome<void> delete_database(const std::string& path);

} // namespace troupe
