#pragma once

#include <atomic>
#include <cstdint>

namespace troupe {

/// A count that one thread adds to and any thread reads: an addition is a load and a store, not a
/// locked instruction. A copy has the value at that moment.
class tally {
public:
  tally() = default;

  tally(const tally& other) : value_{other.value()} {}

  tally& operator=(const tally& other) {
    value_.store(other.value(), std::memory_order_relaxed);
    return *this;
  }

  ~tally() = default;

  void add(std::uint64_t count = 1) { value_.store(value() + count, std::memory_order_relaxed); }

  std::uint64_t value() const { return value_.load(std::memory_order_relaxed); }

private:
  std::atomic<std::uint64_t> value_{0};
};

} // namespace troupe
