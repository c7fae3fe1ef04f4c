#include "runtime/supervision/jitter.hpp"

namespace troupe::supervision {

std::chrono::nanoseconds jitter::stretch(std::chrono::nanoseconds base, double share) {
  const auto extra = static_cast<double>(base.count()) * share * next();
  return base + std::chrono::nanoseconds{static_cast<std::int64_t>(extra)};
}

// SplitMix64 (Steele, Lea, Flood 2014): eight bytes of state and any seed will do. The generators
// of <random> are larger, and their distributions differ between standard libraries.
double jitter::next() {
  state_ += 0x9e3779b97f4a7c15ULL;
  std::uint64_t mixed = state_;
  mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9ULL;
  mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111ebULL;
  mixed ^= mixed >> 31;
  return static_cast<double>(mixed >> 11) * 0x1.0p-53;
}

} // namespace troupe::supervision
