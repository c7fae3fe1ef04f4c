#include "runtime/backoff.hpp"

#include "runtime/bytes.hpp"

#include <algorithm>

namespace troupe {

milliseconds backoff_after(std::uint64_t failures, milliseconds first, milliseconds most) {
  milliseconds wait = first;
  for (std::uint64_t i = 1; i < std::min<std::uint64_t>(failures, 64) && wait < most; ++i) {
    wait *= 2;
  }
  return std::min(wait, most);
}

// SplitMix64: eight bytes of state, and any seed is valid. The generators of <random> are larger,
// and their distributions differ between standard libraries.
std::chrono::nanoseconds jitter::stretch(std::chrono::nanoseconds base, double share) {
  state_ += golden_ratio;
  // The number is from [0, 1).
  const double random = static_cast<double>(mixed(state_) >> 11U) * 0x1.0p-53;
  return base
         + std::chrono::nanoseconds{
             static_cast<std::int64_t>(static_cast<double>(base.count()) * share * random)};
}

} // namespace troupe
