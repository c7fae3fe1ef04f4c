#pragma once

#include "runtime/clock.hpp"

#include <chrono>
#include <thread>

namespace troupe::reconcile {

/// How often pages are asked for, so that capabilities have time for their other work: at most one
/// in each pause, and one after the other. What a page takes counts as pause.
class page_pace {
public:
  explicit page_pace(milliseconds pause) : pause_{pause} {}

  /// Waits until the next page may be asked for.
  void wait() {
    std::this_thread::sleep_until(next_);
    next_ = std::chrono::steady_clock::now() + pause_;
  }

private:
  milliseconds pause_;
  std::chrono::steady_clock::time_point next_{};
};

} // namespace troupe::reconcile
