#pragma once

#include <atomic>
#include <functional>
#include <mutex>
#include <utility>
#include <vector>

namespace troupe::observe {

/// A request of other threads to a loop, for its state for instance. It costs the loop only one
/// load of a flag while there is none.
///
/// The requester waits for the answer before it asks again, so that requests do not pile up at a
/// loop that hangs.
template <class Answer>
class loop_question {
public:
  /// The function that gets the answer, on the loop's thread, where it must not take long.
  using receiver = std::function<void(const Answer&)>;

  /// Asks, from any thread, which then wakes the loop.
  void ask(receiver answered) {
    const std::lock_guard lock{mutex_};
    receivers_.push_back(std::move(answered));
    is_asked_.store(true, std::memory_order_release);
  }

  bool is_asked() const { return is_asked_.load(std::memory_order_relaxed); }

  /// Answers, on the loop's thread: `make` gives the answer if somebody has asked.
  template <class Make>
  void answer(const Make& make) {
    if (!is_asked()) {
      return;
    }
    std::vector<receiver> receivers;
    {
      const std::lock_guard lock{mutex_};
      receivers.swap(receivers_);
      is_asked_.store(false, std::memory_order_relaxed);
    }
    const Answer answer = make();
    for (const receiver& each : receivers) {
      each(answer);
    }
  }

private:
  std::mutex mutex_;
  std::vector<receiver> receivers_;
  std::atomic<bool> is_asked_{false};
};

} // namespace troupe::observe
