#pragma once

#include "runtime/clock.hpp"

#include <atomic>

namespace troupe::broker {

/// The drain of a broker: requested from any thread, begun on the server's, over when no call is
/// running any more or the allowed time is up.
class drain {
public:
  /// @param allowed the time for running calls. 0 to 1 min.
  explicit drain(milliseconds allowed) : allowed_{allowed} {}

  /// Requests the drain, from any thread.
  void request() { is_requested_.store(true, std::memory_order_relaxed); }

  bool is_requested() const { return is_requested_.load(std::memory_order_relaxed); }

  /// Whether the drain was requested and has not begun.
  bool is_to_begin() const { return is_requested() && !has_begun_; }

  void begin(instant now) {
    has_begun_ = true;
    until_ = now + allowed_;
  }

  bool has_begun() const { return has_begun_; }

  /// @param is_idle no call is running.
  bool is_over(bool is_idle, instant now) const { return has_begun_ && (is_idle || now >= until_); }

private:
  milliseconds allowed_;
  std::atomic<bool> is_requested_{false};
  bool has_begun_ = false;
  instant until_{};
};

} // namespace troupe::broker
