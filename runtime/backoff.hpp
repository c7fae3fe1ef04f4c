#pragma once

#include "runtime/clock.hpp"

#include <cstdint>

namespace troupe {

/// The wait after so many failures in a row: `first`, doubled with each further failure up to
/// `most`.
milliseconds backoff_after(std::uint64_t failures, milliseconds first, milliseconds most);

/// Spreads waits at random, so that parties that failed together do not retry together.
///
/// Seeded by its owner: the same seed gives the same waits, so that a simulation can be replayed.
class jitter {
public:
  explicit jitter(std::uint64_t seed) : state_{seed} {}

  /// A wait between `base` and `base` x (1 + `share`), evenly spread.
  std::chrono::nanoseconds stretch(std::chrono::nanoseconds base, double share);

private:
  std::uint64_t state_;
};

} // namespace troupe
