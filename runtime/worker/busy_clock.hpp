#pragma once

#include "runtime/clock.hpp"

#include <atomic>
#include <cstdint>
#include <optional>

namespace troupe {

/// The clock of a runner: when it last finished a piece of work, and since when it has been busy
/// with the next one.
///
/// Belongs to the runner's thread; the watchdog calls `busy_since` from its own.
class busy_clock {
public:
  explicit busy_clock(const clock& time) : time_{time} {}

  /// The time at which the last piece of work ended.
  instant now() const { return now_; }

  /// Notes that a piece of work has ended. @return how long it took.
  instant::duration lap() {
    const instant last = now_;
    now_ = time_.now();
    return now_ - last;
  }

  /// A handler or a writing turn runs from `at` until `rest`.
  void begin(instant at) {
    busy_since_.store(at.time_since_epoch().count(), std::memory_order_relaxed);
  }

  void rest() { busy_since_.store(0, std::memory_order_relaxed); }

  /// The time since when work runs; nothing if none does.
  std::optional<instant> busy_since() const {
    const std::int64_t since = busy_since_.load(std::memory_order_relaxed);
    return since == 0 ? std::nullopt : std::optional{instant{instant::duration{since}}};
  }

private:
  const clock& time_;
  instant now_{};
  // In nanoseconds of the monotonic clock; 0 if nothing runs.
  std::atomic<std::int64_t> busy_since_{0};
};

} // namespace troupe
