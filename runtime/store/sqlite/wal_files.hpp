#pragma once

#include "runtime/outcome.hpp"

#include <cstdint>
#include <string>
#include <sys/types.h>

namespace troupe::store {

/// The WAL of a connection and its index, by their names in the folder.
///
/// A connection keeps the files it has opened, whatever becomes of their names: commits would go on
/// into a WAL that no other process finds, and that the system deletes with the last that has it.
class wal_files {
public:
  enum class found : std::uint8_t {
    same,
    /// The WAL's name is gone, and nobody has begun another one.
    wal_removed,
    /// Another file has the name of the WAL or of its index, or the index's name is gone.
    replaced,
  };

  /// @param database the path of the main file.
  explicit wal_files(const std::string& database)
      : wal_{database + "-wal"}, index_{database + "-shm"} {}

  /// Notes which files the names stand for: those that a connection has just opened. Until then,
  /// and if one of them is not there, `look` finds nothing wrong.
  void note();

  /// Two system calls.
  found look() const;

  const std::string& wal() const { return wal_; }

private:
  struct identity {
    dev_t device = 0;
    ino_t inode = 0;
    bool is_there = false;
    bool operator==(const identity&) const = default;
  };

  static identity of(const std::string& path);

  std::string wal_;
  std::string index_;
  identity noted_wal_;
  identity noted_index_;
};

/// Refuses a database whose WAL was removed while it held commits that the main file has not: its
/// index is there and still counts them. To be called under the turnstile, before the first session
/// of this process opens the database.
///
/// @param database the path of the main file.
/// @errors `unavailable`: a living process has the WAL open, and copies it back when it finds out;
/// `internal`, {fault: corrupt}: nobody has it any more.
/// @source https://www.sqlite.org/walformat.html, section 2.2 (the WAL index).
outcome<void> check_wal_is_there(const std::string& database);

} // namespace troupe::store
