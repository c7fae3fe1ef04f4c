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
/// Deletion goes by it, and, beside the wall clock, what a saga that is taken up may give up for
/// good (saga/time_left.hpp). Times that people read, and timers, go by the wall clock. A value.
class settled_time {
public:
  /// @param begins what it was when it was last written down.
  settled_time(wall_time begins, instant now) : time_{begins}, read_at_{now} {}

  /// The settled time at `now`, when the wall clock says `wall`. Never less than before.
  wall_time at(instant now, wall_time wall);

private:
  wall_time time_;
  instant read_at_;
};

} // namespace troupe
