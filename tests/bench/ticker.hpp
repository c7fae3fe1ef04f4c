#pragma once

#include <chrono>
#include <cstdint>

namespace troupe::bench {

/// A timer of the system that ticks at even intervals, whoever is late to hear it.
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
