#pragma once

#include "runtime/client/call.hpp"

#include <condition_variable>
#include <functional>
#include <mutex>
#include <utility>
#include <vector>

namespace troupe::client {

/// A thread that waits in `call`.
struct waiting_thread {
  std::condition_variable ended;
  std::optional<outcome<reply_body>> answer;
};

/// The queue of answers from the client's loop to the threads that take them. Bounded by the calls
/// outstanding.
class completion_queue {
public:
  /// @param news called by `push` if nothing was queued before; may be empty.
  explicit completion_queue(std::function<void()> news = {}) : news_{std::move(news)} {}

  /// Appends `done` and empties it. For the loop.
  void push(std::vector<completion>& done);

  /// Answers one waiter. For the loop.
  void answer(waiting_thread& waiting, outcome<reply_body>&& answer);

  /// Wakes all waiting threads, as no more answers will come.
  void close();

  /// Replaces `into` by the queued answers, waiting up to `patience` for the first.
  std::size_t take(std::vector<completion>& into, milliseconds patience);

  /// Waits until the loop has answered, by the call's deadline at the latest.
  outcome<reply_body> wait(waiting_thread& waiting);

private:
  const std::function<void()> news_;
  std::mutex mutex_;
  std::condition_variable filled_;
  std::vector<completion> queued_;
  int waiting_ = 0;
  bool is_closed_ = false;
};

} // namespace troupe::client
