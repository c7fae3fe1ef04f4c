#pragma once

#include "runtime/bell.hpp"

#include <mutex>

namespace troupe::broker {

/// Has the journal's reader pause between two questions, so that the writer knows that it looks
/// into nothing that is older. All functions are called with the journal's mutex held, but for
/// `answered_one`.
class reader_pause {
public:
  /// Whether the reader may begin with a question.
  bool is_open() const { return !is_wanted_; }

  void begins() { is_reading_ = true; }

  void ends() { is_reading_ = false; }

  /// After `ends`, without the mutex.
  void answered_one() { is_quiet_.ring(); }

  /// On the writer's thread: returns once the reader pauses.
  void begin(std::unique_lock<std::mutex>& lock) {
    is_wanted_ = true;
    is_quiet_.wait(lock, [this] { return !is_reading_; });
  }

  /// The reader may go on, once it is woken.
  void end() { is_wanted_ = false; }

private:
  bool is_reading_ = false;
  bool is_wanted_ = false;
  bell is_quiet_;
};

} // namespace troupe::broker
