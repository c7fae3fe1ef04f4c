#pragma once

#include "runtime/clock.hpp"

#include <array>
#include <cstdint>
#include <vector>

namespace troupe::calls {

/// One timer for each number 0, 1, 2 ...: a wheel of buckets of one millisecond.
///
/// A timer due later than the wheel's 4.1 s stays in its bucket for further rounds, so that setting
/// and clearing cost the same at any number of timers. Pure; confined to one thread.
/// @source Varghese and Lauck, "Hashed and Hierarchical Timing Wheels", scheme 6.
class timer_wheel {
public:
  static constexpr std::uint32_t none = 0xffff'ffff;

  explicit timer_wheel(instant now);

  /// Sets or moves the timer of `index`.
  void set(std::uint32_t index, instant due);

  /// Clears the timer of `index`, if it has one.
  void clear(std::uint32_t index);

  /// Clears the timers that are due and appends their indices. At most one millisecond late.
  void take_due(instant now, std::vector<std::uint32_t>& into);

  /// Timers that are set.
  std::size_t size() const { return count_; }

  /// No timer is due before this. May be too early, never late by more than a millisecond.
  instant next_due() const;

private:
  static constexpr std::size_t bucket_count = 4096; // 64 words of 64 bits, and one over those.

  struct timer {
    std::uint64_t tick = 0; // The first at which it is due; 0: not set.
    std::uint32_t next = none;
    std::uint32_t previous = none;
  };

  std::uint64_t tick_at_or_after(instant when) const;
  void take_bucket(std::size_t bucket, std::uint64_t tick, std::vector<std::uint32_t>& into);
  void mark(std::size_t bucket);
  void unmark(std::size_t bucket);

  instant start_;
  std::uint64_t tick_ = 0; // All up to this one have been taken.
  std::size_t count_ = 0;
  std::vector<timer> timers_;
  std::array<std::uint32_t, bucket_count> heads_;
  std::array<std::uint64_t, 64> filled_{}; // A bit for each bucket that holds something.
  std::uint64_t filled_words_ = 0;         // A bit for each word of `filled_` that is not 0.
};

} // namespace troupe::calls
