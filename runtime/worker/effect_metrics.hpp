#pragma once

#include "runtime/observe/histogram.hpp"

#include <cstdint>

namespace troupe {

/// The measurements of a group's effects.
struct effect_metrics {
  /// The time that tries took, by how they ended: with a result, with a refusal of the outside, or
  /// with a failure after which the effect is tried again.
  observe::histogram done;
  observe::histogram refused;
  observe::histogram failed;
  /// Effects that wait for a thread, that wait for another try, and that run; of the latter, those
  /// over their time.
  std::uint64_t ready = 0;
  std::uint64_t retrying = 0;
  std::uint64_t running = 0;
  std::uint64_t overdue = 0;
};

} // namespace troupe
