#pragma once

#include "runtime/clock.hpp"
#include "runtime/observe/histogram.hpp"

#include <algorithm>
#include <cstddef>
#include <vector>

namespace troupe::broker {

/// The time that events took from their arrival until they were on disk. Pure.
class confirm_times {
public:
  /// Notes that `count` events wait for the disk: those that are new came now.
  void waiting(std::size_t count, instant now) {
    if (count > came_.size()) {
      came_.resize(count, now);
    }
  }

  /// The first `count` of them are on disk, or have been refused.
  void ended(std::size_t count, bool is_written, instant now) {
    const auto last = came_.begin() + static_cast<std::ptrdiff_t>(std::min(count, came_.size()));
    for (auto each = came_.begin(); is_written && each != last; ++each) {
      taken_.record(now - *each);
    }
    came_.erase(came_.begin(), last);
  }

  const observe::histogram& taken() const { return taken_; }

private:
  std::vector<instant> came_; // The arrivals, in the order of the events.
  observe::histogram taken_;
};

} // namespace troupe::broker
