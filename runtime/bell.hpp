#pragma once

#include <atomic>

namespace troupe {

/// Wakes the one thread that waits for it; if it was rung before, that does not wait.
///
/// One system call, and none if nobody waits. Whoever wakes a thread while holding the lock that
/// this needs next (a CAF actor's enqueue, std::condition_variable_any) pays for two more switches
/// between threads: on one core they were a quarter of what a call costs.
class bell {
public:
  /// From any thread. What was done before it is seen after `wait`.
  void ring() noexcept {
    if (rung_.exchange(1) == 0) {
      rung_.notify_one();
    }
  }

  /// Until it is rung, or was since the last wait.
  void wait() noexcept {
    while (rung_.exchange(0) == 0) {
      rung_.wait(0);
    }
  }

  /// Until `is_met`; whoever made it so has rung since. `lock` is held but for the waiting.
  template <class Lock, class Condition>
  void wait(Lock& lock, const Condition& is_met) {
    while (!is_met()) {
      lock.unlock();
      wait();
      lock.lock();
    }
  }

private:
  std::atomic<int> rung_{0}; // The type that futexes have.
};

} // namespace troupe
