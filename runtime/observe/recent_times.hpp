#pragma once

#include "runtime/clock.hpp"
#include "runtime/observe/histogram.hpp"

#include <array>
#include <cstddef>
#include <optional>

namespace troupe::observe {

/// The last minute of a histogram that only grows: readings of it, ten seconds apart.
///
/// One thread.
class recent_times {
public:
  static constexpr milliseconds interval{10'000};

  /// Whether it is time for `note`.
  bool is_due(instant now) const { return noted_ == instant{} || now - noted_ >= interval; }

  void note(const histogram& reading, instant now);

  /// The time in which 99 of 100 of the last minute were done; nothing if there was none.
  /// @param reading as it is now.
  std::optional<std::chrono::microseconds> p99(const histogram& reading) const;

private:
  // The newest at `newest_`, behind it the oldest.
  std::array<histogram, 7> readings_;
  std::size_t newest_ = 0;
  instant noted_{};
};

/// The time in which the share `part` of what `later` has beyond `earlier` was done, in proportion
/// within a bucket; the highest bound for what is above all. Nothing if there is none.
/// @source Prometheus, `histogram_quantile`: an alert says the same number.
std::optional<std::chrono::microseconds>
quantile(double part, const histogram& earlier, const histogram& later);

} // namespace troupe::observe
