#include "runtime/observe/recent_times.hpp"

namespace troupe::observe {

void recent_times::note(const histogram& reading, instant now) {
  if (noted_ == instant{}) {
    readings_.fill(reading);
  } else {
    newest_ = (newest_ + 1) % readings_.size();
    readings_[newest_] = reading;
  }
  noted_ = now;
}

std::optional<std::chrono::microseconds> recent_times::p99(const histogram& reading) const {
  if (noted_ == instant{}) {
    return std::nullopt;
  }
  return quantile(0.99, readings_[(newest_ + 1) % readings_.size()], reading);
}

std::optional<std::chrono::microseconds>
quantile(double part, const histogram& earlier, const histogram& later) {
  const auto all = static_cast<double>(later.count() - earlier.count());
  if (all <= 0) {
    return std::nullopt;
  }
  double left = part * all;
  std::chrono::duration<double, std::micro> below{0};
  for (std::size_t i = 0; i < histogram::bounds; ++i) {
    const auto here = static_cast<double>(later.in(i)-earlier.in(i));
    const std::chrono::duration<double, std::micro> bound = histogram::bound(i);
    if (here > 0 && left <= here) {
      return std::chrono::duration_cast<std::chrono::microseconds>(
          below + (bound - below) * (left / here));
    }
    left -= here;
    below = bound;
  }
  return std::chrono::duration_cast<std::chrono::microseconds>(below);
}

} // namespace troupe::observe
