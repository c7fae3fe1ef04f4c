#pragma once

#include "runtime/clock.hpp"

namespace troupe {

/// The civil time by which things are deleted for good.
///
/// It follows the wall clock, but never jumps with it: it goes on at between half and twice the
/// pace of the monotonic clock. A wall clock that is wrong by days moves it by as much as it stays
/// wrong, so what is kept for a while is kept for at least half of that while the process runs.
/// After a stop it begins where it was written down last, and catches up as fast. So a machine that
/// was off keeps things longer, and loses none.
///
/// A new one can only believe the wall clock, which may be wrong at that very moment. So it may
/// begin with a trial, which lasts as long as things are kept: meanwhile its owner deletes nothing
/// by it that came since, and it goes back with a wall clock that is put right.
///
/// Deletion goes by it, and, beside the wall clock, what a saga that is taken up may give up for
/// good (saga/time_left.hpp). Times that people read, and timers, go by the wall clock. A value.
class settled_time {
public:
  /// @param begins what it was when it was last written down.
  /// @param trial what was left of its trial then.
  settled_time(wall_time begins, instant now, milliseconds trial = milliseconds{0})
      : time_{begins}, line_{begins}, read_at_{now}, trial_{trial} {}

  /// The settled time at `now`, when the wall clock says `wall`. Never less than before, unless it
  /// is on trial.
  wall_time at(instant now, wall_time wall);

  /// The same as of the last look, but as if it had not gone back on trial.
  wall_time highest() const { return line_; }

  bool is_on_trial() const { return trial_ > instant::duration::zero(); }

  /// What is left of the trial as of the last look, rounded up.
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
