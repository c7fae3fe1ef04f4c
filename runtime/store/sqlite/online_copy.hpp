#pragma once

#include "runtime/outcome.hpp"
#include "runtime/store/database.hpp"

#include <memory>
#include <string>

namespace troupe::store {

class sqlite_session;

/// A snapshot of a database in use, to be read and copied. Writers continue meanwhile; their
/// commits are not seen, and stay in the WAL until this object is destroyed.
///
/// Used by one thread at a time. Movable.
/// @source https://www.sqlite.org/backup.html
class online_copy {
public:
  /// Opens the database in the file `path` and fixes the snapshot.
  /// @errors as of `open_sqlite` with `read_only`.
  static outcome<online_copy> open(const std::string& path);

  online_copy(online_copy&&) noexcept;
  online_copy& operator=(online_copy&&) noexcept;
  ~online_copy();

  /// For reading the snapshot.
  database& session();

  /// Writes a copy into the new file `to`, reads it through, and syncs it. The copy needs no WAL.
  /// @errors `internal`, {fault: corrupt}: the database is damaged; `invalid`: the file exists
  /// already; or errors of the disk. A partly written file is left in place.
  outcome<void> write(const std::string& to);

private:
  explicit online_copy(std::unique_ptr<sqlite_session> session);

  std::unique_ptr<sqlite_session> session_;
};

/// Marks a complete copy that nobody has open as one that has no WAL, syncs it, and reads it
/// through.
/// @errors as of `check_copy`.
outcome<void> seal_copy(const std::string& path);

/// Reads a copy through: whether its file alone is a whole database. Makes no file beside it.
/// @errors `internal`, {fault: corrupt}; else of the disk.
outcome<void> check_copy(const std::string& path);

} // namespace troupe::store
