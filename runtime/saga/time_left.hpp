#pragma once

#include "runtime/clock.hpp"

#include <algorithm>
#include <optional>

namespace troupe::saga {

/// The time of an event by both clocks of its process.
struct moment {
  /// Future times are counted from this one: a wall clock that is slow makes none of them come
  /// early.
  wall_time latest() const { return std::max(wall, settled); }

  /// May jump, for a moment or permanently.
  wall_time wall{};
  /// Never jumps, and may be slow after a stop (runtime/settled_time.hpp).
  wall_time settled{};
};

/// How much longer a saga may wait for something with an end by the calendar. In memory only.
struct time_left {
  /// At most this long, by the monotonic clock. Zero: it has waited in this process for the whole
  /// time that its plan gives, whatever the other clocks say.
  milliseconds most{};
  /// At the last look, only the wall clock said that the time is over.
  bool is_doubted = false;
};

/// Looks whether the time that ends at `due` is over. The wall clock alone is believed only if it
/// says so twice, a minute apart, since a saga that gives up cannot take that back.
/// @param of how much is left after the next look.
/// @return how long until then; nothing if the time is over.
std::optional<milliseconds> look_again(time_left& of, wall_time due, const moment& now);

} // namespace troupe::saga
