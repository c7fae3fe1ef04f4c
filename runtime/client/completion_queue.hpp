#pragma once

#include "runtime/client/call.hpp"

#include <condition_variable>
#include <mutex>
#include <vector>

namespace troupe::client {

/// A thread that waits in `call`.
struct waiter {
  std::condition_variable ended;
  std::optional<outcome<reply_body>> answer;
};

/// The way of answers out of the client's loop, in bulk. Bounded by the calls outstanding.
class completion_queue {
public:
  /// Moves `done` in and leaves it empty. For the loop.
  void push(std::vector<completion>& done);

  /// Answers one waiter. For the loop.
  void answer(waiter& waiting, outcome<reply_body>&& answer);

  /// Nothing comes any more.
  void close();

  /// Replaces `into` by what is there, waiting up to `patience` for something.
  std::size_t take(std::vector<completion>& into, milliseconds patience);

  /// Waits until the loop has answered; it does so by the call's deadline.
  outcome<reply_body> wait(waiter& waiting);

private:
  std::mutex mutex_;
  std::condition_variable filled_;
  std::vector<completion> queued_;
  int waiting_ = 0;
  bool is_closed_ = false;
};

} // namespace troupe::client
