#pragma once

#include "runtime/clock.hpp"

namespace troupe {

/// The calendar time by which things are deleted permanently.
///
/// It follows the wall clock but never jumps with it: it runs at between half and twice the pace of
/// the monotonic clock. A wall clock that is wrong by days shifts it by no more than the time for
/// which it is wrong, so anything with a retention time is kept for at least half of it while the
/// process runs. After a stop it starts from the value stored last, and catches up at the same
/// pace. So a machine that was off keeps things longer, and loses none.
///
/// A new one has only the wall clock, which may be wrong at that very moment. So it may begin with
/// a trial that lasts as long as things are kept: meanwhile its owner deletes nothing by it that
/// came since, and it goes back if the wall clock is corrected.
///
/// It is used for deletion and, together with the wall clock, for the deadlines of sagas that were
/// taken over (saga/time_left.hpp). Times that people read, and timers, use the wall clock. A
/// value.
class settled_time {
public:
  /// @param begins its value when it was last stored.
  /// @param trial how much of its trial was left then.
  settled_time(wall_time begins, instant now, milliseconds trial = milliseconds{0})
      : time_{begins}, line_{begins}, read_at_{now}, trial_{trial} {}

  /// The settled time at `now`, when the wall clock shows `wall`. Never less than before, unless it
  /// is on trial.
  wall_time at(instant now, wall_time wall);

  /// The same at the last look, but as if it had not gone back during the trial.
  wall_time highest() const { return line_; }

  bool is_on_trial() const { return trial_ > instant::duration::zero(); }

  /// What was left of the trial at the last look, rounded up.
  milliseconds trial() const { return std::chrono::ceil<milliseconds>(trial_); }

private:
  wall_time time_;
  // The time as it would be if it had never gone back: a wall clock that is behind for a moment
  // does not set a trial back by years.
  wall_time line_;
  instant read_at_;
  instant::duration trial_;
};

} // namespace troupe
