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
  /// Call before looking at what the ring announced, never after.
  void clear() noexcept;

  int fd() const { return fd_; }

private:
  int fd_;
  /// Rung and not cleared yet: most rings and clears then need no system call.
  std::atomic<bool> rung_{false};
};

} // namespace troupe::transport
