#pragma once

#include "runtime/settled_time.hpp"
#include "runtime/store/turn/retention.hpp"
#include "runtime/worker/turn_inbox.hpp"
#include "runtime/worker/turn_scope.hpp"

#include <optional>

namespace troupe {

/// Deletes old rows of a capability's database: answers to calls (`inbox_kept`), answers to
/// commands of sagas and finished sagas (`sagas_kept`).
///
/// It works in slices of a few milliseconds, each in its own turn, until nothing old enough is
/// left; so it keeps up with any load, and delays no other work. Age is judged by a settled time,
/// which is stored in the database. While that is on trial, nothing is deleted, as the database is
/// younger than that.
///
/// Confined to the runner's thread.
class forgetting {
public:
  /// @param begins the value in the database.
  forgetting(group& of, turn_inbox& inbox, const store::forgotten& begins);

  /// Whether a pass must begin now.
  bool is_due(instant now) const { return now - looked_at_ >= interval; }

  /// Begins a pass, or continues it, for one slice.
  /// @return whether there is more to do.
  bool run(turn_scope& in);

  void committed();

  /// The turn was rolled back: the deleted rows exist again.
  void rolled_back() { in_turn_.reset(); }

  /// The settled time at `now`, when the wall clock says `wall`. Never less than before: a wall
  /// clock that is briefly behind must not make ids look like future ones.
  wall_time time_at(instant now, wall_time wall) {
    time_ = clock_.at(now, wall);
    return clock_.highest();
  }

private:
  static constexpr std::chrono::seconds interval{60};

  /// The id that the pass has reached.
  struct place {
    uuid calls{};
    uuid commands{};
    uuid saga{};
    bool is_over = true;
  };

  void begin_pass(turn_scope& in);
  bool forget_some(turn_scope& in, place& at) const;

  group& group_;
  turn_inbox& inbox_;
  settled_time clock_;
  wall_time time_;
  instant looked_at_;
  // The ids that the pass goes up to.
  uuid calls_to_{};
  uuid commands_to_{};
  place place_;
  std::optional<place> in_turn_; // The place that this turn has reached, until its commit.
};

/// Reports when the time by which `of` deletes answers is far ahead of the local clock: a clock was
/// wrong for days, and calls are refused because of it; or the local clock is behind.
void tell_if_ahead(group& of, const store::forgotten& forgotten, wall_time now);

} // namespace troupe
