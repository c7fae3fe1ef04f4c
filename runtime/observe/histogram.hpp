#pragma once

#include "runtime/tally.hpp"

#include <array>
#include <bit>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace troupe::observe {

/// A histogram of durations: how many took up to 10 us, 20 us, 40 us and so on to 10.5 s, and how
/// many longer.
///
/// One thread records, which costs two additions; any thread reads. A copy has the values at that
/// moment; its sum may be ahead of the counts by what is being recorded.
class histogram {
public:
  static constexpr std::size_t bounds = 21;

  /// The upper bound of a bucket below `bounds`, which belongs to the bucket.
  static constexpr std::chrono::nanoseconds bound(std::size_t bucket) {
    return std::chrono::nanoseconds{first_bound << bucket};
  }

  /// @param took a negative time counts as zero.
  void record(std::chrono::nanoseconds took) {
    const auto time = static_cast<std::uint64_t>(took.count() > 0 ? took.count() : 0);
    counts_[bucket_of(time)].add();
    sum_.add(time);
  }

  /// The number that took longer than the bound before, and not longer than that of `bucket`; those
  /// above all bounds for `bounds`.
  std::uint64_t in(std::size_t bucket) const { return counts_[bucket].value(); }

  std::uint64_t count() const {
    std::uint64_t all = 0;
    for (const tally& each : counts_) {
      all += each.value();
    }
    return all;
  }

  std::chrono::nanoseconds sum() const { return std::chrono::nanoseconds{sum_.value()}; }

  /// Adds what another one has recorded.
  void add(const histogram& other) {
    for (std::size_t i = 0; i < counts_.size(); ++i) {
      counts_[i].add(other.in(i));
    }
    sum_.add(other.sum_.value());
  }

private:
  static constexpr std::uint64_t first_bound = 10'000;

  static constexpr std::size_t bucket_of(std::uint64_t time) {
    const auto bucket =
        static_cast<std::size_t>(std::bit_width((time == 0 ? 0 : time - 1) / first_bound));
    return bucket < bounds ? bucket : bounds;
  }

  tally sum_; // The sum stands before the counts: in one cache line with those of most.
  std::array<tally, bounds + 1> counts_{};
};

} // namespace troupe::observe
