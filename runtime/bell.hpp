#pragma once

#include <atomic>

namespace troupe {

/// Wakes the one thread that waits for it. A bell that was rung before `wait` does not wait.
///
/// Ringing costs one system call, and none if nobody waits. A waker that holds the lock which the
/// woken thread needs next (as a CAF actor's enqueue and std::condition_variable_any do) costs two
/// more switches between threads: on one core, a quarter of the time of a call.
class bell {
public:
  /// Rings, from any thread. The waiting thread sees everything written before the ring.
  void ring() noexcept {
    if (rung_.exchange(1) == 0) {
      rung_.notify_one();
    }
  }

  /// Returns once the bell was rung since the last `wait`.
  void wait() noexcept {
    while (rung_.exchange(0) == 0) {
      rung_.wait(0);
    }
  }

  /// Returns once `is_met`; the thread that changes the condition rings afterwards. Releases `lock`
  /// while it waits.
  template <class Lock, class Condition>
  void wait(Lock& lock, const Condition& is_met) {
    while (!is_met()) {
      lock.unlock();
      wait();
      lock.lock();
    }
  }

private:
  std::atomic<int> rung_{0}; // An int, because futexes are.
};

} // namespace troupe
