#pragma once

#include "nodes/commands/transfer/database_copy.hpp"

#include <functional>
#include <string>
#include <vector>

namespace troupe {

// The two directions of `troupe migrate`. The system is stopped. Each step can be repeated: after
// an interruption the same command continues, and until it is done neither side can be mistaken for
// the system's data. PostgreSQL refuses by its book of moves (runtime/store/postgres/moves.hpp),
// files by `NAME.db.migrating` beside them and by their lock files, which record what was there.

/// A database that has moved.
struct moved_size {
  std::string owner;
  database_size size;
};

struct move_result {
  /// The databases moved: equal on both sides, compared value by value.
  std::vector<moved_size> moved;
  /// The databases left out, each with the reason.
  std::vector<std::string> passed_over;
  /// The folders that contain the files put aside.
  std::vector<std::string> aside;
  /// True if an earlier run had copied and compared everything, and this one only finished the
  /// move.
  bool was_copied = false;
};

struct move_options {
  /// Checks everything, and changes nothing.
  bool dry_run = false;
  /// Called for each database once it has arrived and is equal.
  std::function<void(const moved_size&)> tell;
};

} // namespace troupe
