#pragma once

#include "runtime/clock.hpp"

#include <cstdint>

namespace troupe {

/// How long `troupe up` waits before it restarts a process that has died.
struct restart_backoff {
  milliseconds first{50};
  milliseconds most{5000};
  /// After a life of this length the waits start over: a process that served for a second does not
  /// fail at start, and a broker that is killed every second must be back within its callers'
  /// deadlines.
  milliseconds forgiven_after{1'000};
};

/// The wait before the next start of a process that died after `lived`.
///
/// Doubles with each death in a row, up to `most`, and adds up to a quarter at random, so that
/// nodes that died together do not come back together. Pure.
///
/// @param deaths_in_a_row before this one; updated.
/// @param random any 64 bits.
milliseconds wait_before_restart(
    const restart_backoff& policy,
    milliseconds lived,
    unsigned& deaths_in_a_row,
    std::uint64_t random);

} // namespace troupe
