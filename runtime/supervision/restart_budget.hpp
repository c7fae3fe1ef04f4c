#pragma once

#include "runtime/clock.hpp"

#include <cstddef>
#include <deque>

namespace troupe::supervision {

/// Restart intensity: how many restarts a window may hold (README, S9).
class restart_budget {
public:
  /// @param restarts_max with 0 the first needed restart is one too many.
  restart_budget(int restarts_max, milliseconds window)
      : restarts_max_{static_cast<std::size_t>(restarts_max)}, window_{window} {}

  /// Counts a restart needed at `now`. A restart exactly one window old still counts.
  ///
  /// @return whether the budget allows it.
  bool spend(instant now);

  void clear() { spent_.clear(); }

private:
  std::size_t restarts_max_;
  milliseconds window_;
  // Oldest first; never longer than the budget and one.
  std::deque<instant> spent_;
};

} // namespace troupe::supervision
