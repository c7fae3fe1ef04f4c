#include "nodes/commands/up/backoff.hpp"

#include <algorithm>

namespace troupe {

milliseconds wait_before_restart(
    const restart_backoff& policy,
    milliseconds lived,
    unsigned& deaths_in_a_row,
    std::uint64_t random) {
  if (lived >= policy.forgiven_after) {
    deaths_in_a_row = 0;
  }
  // More doublings than these exceed any bound.
  const unsigned doublings = std::min(deaths_in_a_row, 30U);
  ++deaths_in_a_row;
  const milliseconds wait = std::min(policy.most, policy.first * (std::int64_t{1} << doublings));
  const auto jitter =
      static_cast<std::int64_t>(random % static_cast<std::uint64_t>(wait.count() / 4 + 1));
  return std::min(policy.most, wait + milliseconds{jitter});
}

} // namespace troupe
