#pragma once

#include "runtime/clock.hpp"

#include <functional>

namespace troupe::gateway {

/// The thread on which requests come in and routes run.
class http_loop {
public:
  http_loop() = default;
  http_loop(const http_loop&) = delete;
  http_loop& operator=(const http_loop&) = delete;
  virtual ~http_loop() = default;

  /// Runs `task` there, at once or after a delay; not at all if the loop ends before. Any thread.
  virtual void post(std::function<void()> task) = 0;
  virtual void post_after(milliseconds time, std::function<void()> task) = 0;
};

} // namespace troupe::gateway
