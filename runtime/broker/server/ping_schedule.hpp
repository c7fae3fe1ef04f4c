#pragma once

#include "runtime/clock.hpp"

#include <algorithm>
#include <cstdint>

namespace troupe::broker {

/// The schedule of the broker's pings: every peer at each heartbeat, workers more often, so that a
/// dead one is noticed within milliseconds. Pure.
class ping_schedule {
public:
  enum class round : std::uint8_t { nobody, workers, everybody };

  ping_schedule(milliseconds heartbeat, milliseconds of_workers, instant now)
      : heartbeat_{heartbeat}, of_workers_{of_workers}, beat_{now}, pinged_{now} {}

  /// The time at which the next round is due.
  instant next(bool has_workers) const {
    const instant beat = beat_ + heartbeat_;
    return has_workers ? std::min(beat, pinged_ + of_workers_) : beat;
  }

  /// The peers to ping now.
  round due(instant now) {
    const bool is_beat = now - beat_ >= heartbeat_;
    if (!is_beat && now - pinged_ < of_workers_) {
      return round::nobody;
    }
    pinged_ = now;
    beat_ = is_beat ? now : beat_;
    return is_beat ? round::everybody : round::workers;
  }

private:
  milliseconds heartbeat_;
  milliseconds of_workers_;
  instant beat_;
  instant pinged_;
};

} // namespace troupe::broker
