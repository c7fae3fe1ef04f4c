#pragma once

#include "runtime/clock.hpp"

#include <algorithm>
#include <optional>

namespace troupe {

/// One piece of work under the eyes of a watchdog, which looks again and again how long it runs.
///
/// A process that stood still (stopped by a signal, its machine suspended) could not go on with its
/// work, and its watchdog could not look: between two looks at most `counted_max` counts, so that
/// whoever wakes has what was left of its time. Pure.
class watched_work {
public:
  /// How often to look.
  static constexpr milliseconds interval{50};
  static constexpr milliseconds counted_max{2 * interval};

  /// @param since when the work that runs began; nothing runs if it has no value.
  /// @param last the time of the last look.
  /// @return the time that it has run for.
  instant::duration look(std::optional<instant> since, instant last, instant now) {
    const auto counted = std::min<instant::duration>(now - last, counted_max);
    ran_ = since ? std::min(now - *since, ran_ + counted) : instant::duration{0};
    return ran_;
  }

private:
  instant::duration ran_{};
};

} // namespace troupe
