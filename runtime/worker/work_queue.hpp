#pragma once

#include "runtime/worker/item.hpp"

#include <functional>
#include <mutex>
#include <utility>
#include <vector>

namespace troupe {

/// The queue in front of one runner: many push, one takes, and only the first push wakes.
///
/// Messages wait here and not in a CAF mailbox, which has no bound and dies with its actor. The
/// bound is the credit given to the brokers.
class work_queue {
public:
  /// @param wake makes the runner run; called by the thread that pushes into a queue whose runner
  /// sleeps.
  void on_wake(std::function<void()> wake) { wake_ = std::move(wake); }

  /// Moves all of `batch` in, and empties it.
  void push(std::vector<item>& batch) {
    push_with([&](std::vector<item>& queue) {
      if (queue.empty()) {
        return queue.swap(batch);
      }
      queue.insert(
          queue.end(),
          std::make_move_iterator(batch.begin()),
          std::make_move_iterator(batch.end()));
      batch.clear();
    });
  }

  void push(item&& one) {
    push_with([&](std::vector<item>& queue) { queue.push_back(std::move(one)); });
  }

  /// Takes everything into the empty `into`. False if there is nothing: the next push wakes the
  /// runner.
  bool take(std::vector<item>& into) {
    const std::lock_guard lock{mutex_};
    if (queue_.empty()) {
      awake_ = false;
      return false;
    }
    queue_.swap(into);
    return true;
  }

private:
  template <class Insert>
  void push_with(const Insert& insert) {
    bool asleep = false;
    {
      const std::lock_guard lock{mutex_};
      insert(queue_);
      asleep = !std::exchange(awake_, true);
    }
    if (asleep) {
      wake_();
    }
  }

  std::mutex mutex_;
  std::vector<item> queue_;
  bool awake_ = false;
  std::function<void()> wake_;
};

} // namespace troupe
