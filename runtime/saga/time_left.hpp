#pragma once

#include "runtime/clock.hpp"

#include <algorithm>
#include <optional>

namespace troupe::saga {

/// The time of an event by the two clocks of its process.
struct moment {
  /// What times to come are counted from: a wall clock that is behind brings none of them forward.
  wall_time latest() const { return std::max(wall, settled); }

  /// May jump, for a moment or for good.
  wall_time wall{};
  /// Never jumps, and may be behind after a stop (runtime/settled_time.hpp).
  wall_time settled{};
};

/// For how much longer a saga may wait for what ends at a time of the calendar. In memory only.
struct time_left {
  /// At most so much, by the monotonic clock. Zero: it has waited in this process for all the time
  /// that its plan gives, whatever the other clocks say.
  milliseconds most{};
  /// At the last look, the wall clock alone said that it is over.
  bool is_doubted = false;
};

/// Looks whether what ends at `due` is over. The wall clock alone is believed only if it says so
/// twice, a minute apart: a saga that gives up does so for good.
/// @param of what is left behind the next look.
/// @return how long until then; nothing: it is over.
std::optional<milliseconds> look_again(time_left& of, wall_time due, const moment& now);

} // namespace troupe::saga
