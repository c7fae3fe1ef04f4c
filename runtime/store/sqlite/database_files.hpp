#pragma once

#include "runtime/outcome.hpp"

#include <sqlite3.h>
#include <string>
#include <sys/types.h>
#include <utility>

namespace troupe::store {

/// The name to which SQLite appends "-wal" and "-shm": `database`, or what it is a symbolic link
/// to.
std::string own_name_of(const std::string& database);

/// The files that a connection has open, by their names in the folder.
///
/// An open file outlives its name: if it was moved or deleted, commits would continue into a file
/// that no other process finds, and that the system deletes with the last process that has it open.
class database_files {
public:
  /// @param database the path of the main file.
  explicit database_files(std::string database)
      : database_{std::move(database)}, wal_{own_name_of(database_) + "-wal"},
        index_{own_name_of(database_) + "-shm"} {}

  const std::string& database() const { return database_; }

  /// Whether the main file was moved, deleted or replaced since the connection opened it, in words;
  /// empty if not. To be checked before a commit.
  std::string main_trouble(sqlite3* connection) const;

  /// The same for the WAL and its index since the first commit that was checked. To be checked
  /// after a commit, under the turnstile, before the commit is reported. A WAL that was removed is
  /// copied back into the main file while the connection still has it open.
  std::string wal_trouble(sqlite3* connection);

private:
  struct identity {
    dev_t device = 0;
    ino_t inode = 0;
    bool is_there = false;
    bool operator==(const identity&) const = default;
  };

  static identity of(const std::string& path);
  std::string save_removed_wal(sqlite3* connection) const;

  std::string database_;
  std::string wal_;
  std::string index_;
  identity noted_wal_;
  identity noted_index_;
};

/// The name by which SQLite opens a file that nobody writes to, without creating other files.
/// @source https://www.sqlite.org/uri.html, sections 3.1 and 3.3 (immutable)
std::string still_file_uri(const std::string& path);

/// Refuses a database whose WAL was removed while it held commits that the main file lacks: the
/// index still exists and counts them. To be called under the turnstile, before the first session
/// of this process opens the database.
///
/// @param database the path of the main file.
/// @errors `unavailable`: a living process has the WAL open, and copies it back when it notices;
/// `internal`, {fault: corrupt}: no process has it open.
/// @source https://www.sqlite.org/walformat.html, section 2.2 (the WAL index).
outcome<void> check_wal_is_there(const std::string& database);

/// Refuses a copy, marked as one that has no WAL (online_copy.hpp), beside which a WAL lies: it is
/// of the file that was here before, and SQLite would read its pages as those of the copy.
///
/// @param database the path of the main file; it is there.
/// @errors `internal`, {fault: corrupt}.
/// @source https://www.sqlite.org/fileformat2.html, section 1.3.3 (read and write version).
outcome<void> check_wal_is_own(const std::string& database);

} // namespace troupe::store
