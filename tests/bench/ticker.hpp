#pragma once

#include <chrono>
#include <cstdint>

namespace troupe::bench {

/// A system timer that ticks at even intervals, however late `wait` is called.
class ticker {
public:
  /// The first tick is an interval from now.
  explicit ticker(std::chrono::nanoseconds interval);
  ticker(const ticker&) = delete;
  ticker& operator=(const ticker&) = delete;
  ~ticker();

  /// Waits for the next tick, unless some went by unheard: takes one.
  void wait();

private:
  int timer_;
  std::uint64_t unheard_ = 0;
};

} // namespace troupe::bench
