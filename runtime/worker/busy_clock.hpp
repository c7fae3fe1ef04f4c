#pragma once

#include "runtime/clock.hpp"
#include "runtime/worker/work_at_hand.hpp"

#include <atomic>
#include <cstdint>
#include <optional>
#include <string_view>
#include <thread>

namespace troupe {

/// The clock of a runner: when it last finished a piece of work, since when it has been busy with
/// the next one, and what that is.
///
/// Belongs to the runner's thread; any thread calls `busy_since`, `at_hand` and `is_busy_here`.
class busy_clock {
public:
  explicit busy_clock(const clock& time) : time_{time} {}

  /// The time at which the last piece of work ended.
  instant now() const { return now_; }

  /// Notes that a piece of work has ended. @return its duration.
  instant::duration lap() {
    const instant last = now_;
    now_ = time_.now();
    return now_ - last;
  }

  /// A handler or a writing turn runs from `at` until `rest`.
  void begin(instant at) {
    thread_.store(std::this_thread::get_id(), std::memory_order_relaxed);
    busy_since_.store(at.time_since_epoch().count(), std::memory_order_relaxed);
  }

  void rest() { busy_since_.store(0, std::memory_order_relaxed); }

  /// The time since when work runs; nothing if none does.
  std::optional<instant> busy_since() const {
    const std::int64_t since = busy_since_.load(std::memory_order_relaxed);
    return since == 0 ? std::nullopt : std::optional{instant{instant::duration{since}}};
  }

  /// Notes the piece of work that the runner starts.
  /// @param message the id of the message, if there is one.
  void note(work_at_hand::kind what, std::string_view name = {}, const uuid& message = {}) {
    at_hand_.begin(what, name, message);
  }

  /// The current or last piece of work.
  const work_at_hand& at_hand() const { return at_hand_; }

  /// Whether the calling thread is the runner's, in a handler, a constructor or a turn.
  bool is_busy_here() const {
    return busy_since_.load(std::memory_order_relaxed) != 0
           && thread_.load(std::memory_order_relaxed) == std::this_thread::get_id();
  }

private:
  const clock& time_;
  instant now_{};
  // Nanoseconds of the monotonic clock; 0 if nothing runs.
  std::atomic<std::int64_t> busy_since_{0};
  std::atomic<std::thread::id> thread_{};
  work_at_hand at_hand_;
};

} // namespace troupe
