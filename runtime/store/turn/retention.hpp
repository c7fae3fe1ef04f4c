#pragma once

#include "runtime/ids.hpp"
#include "runtime/store/database.hpp"

#include <functional>
#include <optional>

namespace troupe::store {

/// What a database has forgotten, and by which clock: the row of `retention`.
struct forgotten {
  /// The settled time (settled_time.hpp) when the row was written.
  wall_time time{};
  /// Of calls (UUIDv7) with ids below this one, those that were answered are forgotten: such an id
  /// without a row may be a repeat.
  uuid calls{};
  /// The same of the commands of sagas (derived ids), which are kept for longer.
  uuid commands{};
  /// What is left of the trial of the settled time; nothing that was handled meanwhile is forgotten
  /// before it is over.
  milliseconds trial{0};
  /// The lowest id that was handled while the time was on trial, if any was.
  std::optional<uuid> handled_from{};
};

/// How far a database has forgotten what it handled.
///
/// Borrows the session; each function belongs to the turn of the moment and throws database_error.
class retention {
public:
  explicit retention(database& session) : session_{session} {}

  /// The row. The first to open a database finds out what it has forgotten so far, and by when: a
  /// new one nothing, by `wall`, which is on trial for `kept`; one that was kept without this row
  /// what its oldest answer and the time of its last use say.
  /// @param kept for how long answers are kept, and were so far.
  forgotten open(wall_time wall, std::chrono::hours kept);

  forgotten read();

  /// Reads the row by the session's next await(), and shows it to `each`, which must not throw.
  void ask(std::function<void(const forgotten&)> each);

  /// Writes the row. Nothing in it ever goes back, but its time while it is on trial.
  void write(const forgotten& now);

  /// Notes that `id` was handled while the time is on trial.
  void note_handled(const uuid& id);

private:
  wall_time last_used();

  database& session_;
};

} // namespace troupe::store
