#pragma once

#include "nodes/commands/transfer/database_copy.hpp"

#include <functional>
#include <string>
#include <vector>

namespace troupe {

// The two directions of `troupe migrate`. The system is stopped. Each step can be repeated:
// whatever ends the command, the same command goes on, and until it is through neither side can be
// taken for the system's data: PostgreSQL refuses by its book of moves
// (runtime/store/postgres/moves.hpp), files by `NAME.db.migrating` beside them and by their lock
// files, which know what was there.

/// A database that has moved.
struct moved_size {
  std::string owner;
  database_size size;
};

struct move_result {
  /// The databases that were moved: equal on both sides, compared value by value.
  std::vector<moved_size> moved;
  /// The databases that were left out, each with the reason.
  std::vector<std::string> passed_over;
  /// The folders where the files are that were moved away.
  std::vector<std::string> aside;
  /// True if an earlier command had copied and compared everything, and this one did the rest.
  bool was_copied = false;
};

struct move_options {
  /// All that is checked beforehand, and nothing changed.
  bool dry_run = false;
  /// Told of each database when it is there and equal.
  std::function<void(const moved_size&)> tell;
};

} // namespace troupe
