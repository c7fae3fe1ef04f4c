#pragma once

#include "runtime/clock.hpp"

#include <algorithm>
#include <optional>

namespace troupe {

/// One piece of work whose running time a watchdog checks repeatedly.
///
/// A process that was stopped (by a signal, or with its machine) could not continue its work, and
/// its watchdog could not check: between two checks at most `counted_max` counts, so that after
/// waking the work has its remaining time. Pure.
class watched_work {
public:
  /// The interval of the checks.
  static constexpr milliseconds interval{50};
  static constexpr milliseconds counted_max{2 * interval};

  /// @param since the start of the running work; nothing runs if it has no value.
  /// @param last the time of the last check.
  /// @return the running time.
  instant::duration look(std::optional<instant> since, instant last, instant now) {
    const auto counted = std::min<instant::duration>(now - last, counted_max);
    ran_ = since ? std::min(now - *since, ran_ + counted) : instant::duration{0};
    return ran_;
  }

private:
  instant::duration ran_{};
};

} // namespace troupe
