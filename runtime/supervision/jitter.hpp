#pragma once

#include <chrono>
#include <cstdint>

namespace troupe::supervision {

/// Spreads waits, so that what failed together does not come back together. @source RELIABILITY
/// F12.
///
/// Seeded by its owner: the same seed gives the same waits, which is what lets a simulation replay.
class jitter {
public:
  explicit jitter(std::uint64_t seed) : state_{seed} {}

  /// A wait between `base` and `base` x (1 + `share`), evenly spread.
  std::chrono::nanoseconds stretch(std::chrono::nanoseconds base, double share);

private:
  /// Evenly spread over [0, 1).
  double next();

  std::uint64_t state_;
};

} // namespace troupe::supervision
