#pragma once

#include "runtime/observe/histogram.hpp"

#include <cstdint>

namespace troupe {

/// The measurements of a group's effects.
struct effect_metrics {
  /// The times of attempts, by their end: with a result, with a refusal of the outside, or with a
  /// failure after which the effect is tried again.
  observe::histogram done;
  observe::histogram refused;
  observe::histogram failed;
  /// The numbers of effects that wait for a thread, that wait for another attempt, and that run; of
  /// the latter, overdue ones.
  std::uint64_t ready = 0;
  std::uint64_t retrying = 0;
  std::uint64_t running = 0;
  std::uint64_t overdue = 0;
};

} // namespace troupe
