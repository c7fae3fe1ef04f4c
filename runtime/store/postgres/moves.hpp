#pragma once

#include "runtime/ids.hpp"
#include "runtime/store/database.hpp"

#include <cstdint>
#include <string>
#include <vector>

// What is being moved into a PostgreSQL database or out of it, in the table `databases` of the
// schema `troupe_migration`. As long as a move is under way, no schema can be opened to run on it:
// a half-moved one would be taken for new. A schema that was moved away is not opened either: it
// would go on beside its copy.

namespace troupe::store {

enum class move_state : std::uint8_t {
  /// It is being filled.
  arriving,
  /// It is being copied away.
  leaving,
  /// It is elsewhere now. What is left here is put aside when it is filled again.
  left,
  /// It is being filled from a backup; what was there before was put aside.
  returning,
};

/// A schema that is being moved.
struct move_row {
  std::string schema;
  /// The id of the database that it is, or will be.
  uuid instance;
  move_state state = move_state::arriving;
  /// When that began, in milliseconds since 1970.
  std::int64_t at = 0;
  /// The other side, for people: a file.
  std::string other{};
  /// The name under which the moved data are put aside on the other side, once all of them are
  /// here. For a restored one: the name under which the earlier data here were put aside, "-" if
  /// there were none; empty until that is done.
  std::string aside{};
};

/// Those rows. Borrows a session with the database; all functions throw database_error.
class move_book {
public:
  explicit move_book(database& session) : session_{session} {}

  /// Whether there is a book.
  bool is_there();

  /// All rows, by schema; none without a book.
  std::vector<move_row> rows();

  // In a transaction of the caller:

  /// Adds the row of a schema, or replaces it; makes the book if there is none.
  void put(const move_row& row);

  /// Removes the row of a schema, and with the last one the book.
  void remove(const std::string& schema);

private:
  database& session_;
};

/// Why nobody may run on a schema, in words with what to do; empty if anybody may.
std::string obstacle_to(const std::string& schema, const std::vector<move_row>& rows);

} // namespace troupe::store
