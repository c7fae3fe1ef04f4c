#pragma once

#include <atomic>

namespace troupe::transport {

/// An eventfd: rung by any thread, watched by one loop.
class wake {
public:
  /// @throws std::system_error if the process is out of descriptors.
  wake();
  ~wake();
  wake(const wake&) = delete;
  wake& operator=(const wake&) = delete;

  void ring() noexcept;
  /// Call before reading the queue that the ring announced, never after: a push in between would be
  /// missed.
  void clear() noexcept;

  int fd() const { return fd_; }

private:
  int fd_;
  /// True from the first ring until `clear`: further rings need no system call.
  std::atomic<bool> rung_{false};
};

} // namespace troupe::transport
