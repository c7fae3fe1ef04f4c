#pragma once

#include "runtime/ids.hpp"
#include "runtime/store/database.hpp"

#include <functional>
#include <optional>

namespace troupe::store {

/// The row of `retention`: which rows a database has deleted, and by which clock.
struct forgotten {
  /// The settled time (settled_time.hpp) when the row was written.
  wall_time time{};
  /// Answered calls (UUIDv7) with ids below this one are deleted: such an id without a row may be a
  /// repeat.
  uuid calls{};
  /// The same for the commands of sagas (derived ids), which are kept longer.
  uuid commands{};
  /// The rest of the settled time's trial; messages handled meanwhile are not deleted before it is
  /// over.
  milliseconds trial{0};
  /// The lowest id that was handled while the time was on trial, if any was.
  std::optional<uuid> handled_from{};
};

/// The retention marks of a database: how far it has deleted handled messages.
///
/// Borrows the session; each function runs in the current turn and throws database_error.
class retention {
public:
  explicit retention(database& session) : session_{session} {}

  /// The row. The first process to open a database computes it: for a new database nothing is
  /// deleted, and the time is `wall`, on trial for `kept`; for one without this row, from its
  /// oldest answer and the time of its last use.
  /// @param kept how long answers are kept, and were so far.
  forgotten open(wall_time wall, std::chrono::hours kept);

  forgotten read();

  /// Reads the row by the session's next await(), and passes it to `each`, which must not throw.
  void ask(std::function<void(const forgotten&)> each);

  /// Writes the row. No value ever goes back, except its time while it is on trial.
  void write(const forgotten& now);

  /// Notes that `id` was handled while the time is on trial.
  void note_handled(const uuid& id);

private:
  wall_time last_used();

  database& session_;
};

} // namespace troupe::store
