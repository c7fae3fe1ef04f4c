#pragma once

#include "runtime/settled_time.hpp"
#include "runtime/store/turn/retention.hpp"
#include "runtime/worker/turn_inbox.hpp"
#include "runtime/worker/turn_scope.hpp"

#include <optional>

namespace troupe {

/// Deletes what a capability's database need not keep any longer: answers to calls
/// (`inbox_kept`), answers to commands of sagas and sagas that are over (`sagas_kept`).
///
/// It goes in slices of a few milliseconds, each in a turn of its own, until nothing is left that
/// is old enough; so it keeps up with whatever comes in, and holds nobody up. How old things are is
/// judged by a settled time, which outlives the process in the database. While that is on trial,
/// nothing is deleted: the database is not as old as that.
///
/// Confined to the runner's thread.
class forgetting {
public:
  /// @param begins as the database has it.
  forgetting(group& of, turn_inbox& inbox, const store::forgotten& begins);

  /// Whether a pass is to begin now.
  bool is_due(instant now) const { return now - looked_at_ >= interval; }

  /// Begins a pass, or goes on with it, for one slice.
  /// @return whether there is more of it.
  bool run(turn_scope& in);

  void committed();

  /// The turn was rolled back: what it deleted is there again.
  void rolled_back() { in_turn_.reset(); }

  /// The settled time at `now`, when the wall clock says `wall`. Never less than before: a wall
  /// clock that is behind for a moment makes no id one of the future.
  wall_time time_at(instant now, wall_time wall) {
    time_ = clock_.at(now, wall);
    return clock_.highest();
  }

private:
  static constexpr std::chrono::seconds interval{60};

  /// The place that the pass has reached.
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

/// Tells people when the time by which `of` forgets answers is far ahead of the clock here: a clock
/// was wrong for days, and calls are refused for it; or the one here is behind.
void tell_if_ahead(group& of, const store::forgotten& forgotten, wall_time now);

} // namespace troupe
