#pragma once

#include "runtime/bell.hpp"

#include <mutex>

namespace troupe::broker {

/// Pauses the journal's reader between two requests, so that the writer knows that it reads no
/// older version. All functions except `answered_one` are called with the journal's mutex held.
class reader_pause {
public:
  /// Whether the reader may begin with a request.
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
