#include "nodes/commands/up/backoff.hpp"

#include "runtime/backoff.hpp"

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
  const milliseconds wait = backoff_after(++deaths_in_a_row, policy.first, policy.most);
  const auto jitter =
      static_cast<std::int64_t>(random % static_cast<std::uint64_t>(wait.count() / 4 + 1));
  return std::min(policy.most, wait + milliseconds{jitter});
}

} // namespace troupe
