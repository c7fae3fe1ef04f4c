#pragma once

#include "runtime/transport/wake.hpp"

#include <cstddef>
#include <mutex>
#include <utility>
#include <vector>

namespace troupe::transport {

/// The way into a socket loop from other threads: a bounded queue of typed commands, and the
/// descriptor that wakes the loop.
///
/// `push` and `reserve` from any thread, `take_all` from the loop's.
template <class Command>
class loop_inlet {
public:
  explicit loop_inlet(std::size_t capacity) : capacity_{capacity} {}

  /// Reserves room for one later command, so that no work begins whose result would find no room.
  /// False if the inlet is full: try again when the loop has taken from it.
  bool reserve() {
    const std::lock_guard lock{mutex_};
    if (queue_.size() + reserved_ >= capacity_) {
      return false;
    }
    ++reserved_;
    return true;
  }

  /// Returns a reserved place unused.
  void release() {
    const std::lock_guard lock{mutex_};
    --reserved_;
  }

  /// False, with `command` untouched, if the inlet is full.
  [[nodiscard]] bool push(Command&& command) { return push(std::move(command), 0); }

  /// Takes a reserved place, so it cannot fail.
  void push_reserved(Command&& command) { (void)push(std::move(command), 1); }

  /// Moves everything queued into `into`, which is emptied first.
  void take_all(std::vector<Command>& into) {
    into.clear();
    wake_.clear();
    const std::lock_guard lock{mutex_};
    queue_.swap(into);
  }

  wake& waker() { return wake_; }

private:
  bool push(Command&& command, std::size_t from_reserve) {
    bool was_empty = false;
    {
      const std::lock_guard lock{mutex_};
      if (from_reserve == 0 && queue_.size() + reserved_ >= capacity_) {
        return false;
      }
      reserved_ -= from_reserve;
      was_empty = queue_.empty();
      queue_.push_back(std::move(command));
    }
    // The loop clears the descriptor before it looks, so only the first command of a series needs
    // to ring.
    if (was_empty) {
      wake_.ring();
    }
    return true;
  }

  const std::size_t capacity_;
  std::mutex mutex_;
  std::vector<Command> queue_;
  std::size_t reserved_ = 0;
  wake wake_;
};

} // namespace troupe::transport
