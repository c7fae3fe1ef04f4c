#pragma once

#include <chrono>
#include <optional>

namespace troupe::supervision {

using std::chrono::milliseconds;

/// The sliding window of a breaker that goes by rates.
struct breaker_window {
  /// Length of the window, in ten parts that leave one by one. 1 s to 1 h.
  milliseconds span{10'000};
  /// Below this many outcomes in the window nothing trips. @source BEHAVIOURS B4.
  int minimum_calls = 20;
  /// Trips at or above this fraction of failures, in (0, 1]. @source BEHAVIOURS B3.
  double failure_rate = 0.5;
  /// A call that takes strictly longer is slow.
  milliseconds slow_call{60'000};
  /// Trips at or above this fraction of slow calls, in (0, 1].
  double slow_rate = 1.0;
};

/// When a group's breaker opens and how it closes again.
struct breaker_options {
  /// Failures in a row that open it, in the simple form. 1 to 1,000,000.
  int threshold = 5;
  /// How long it stays open before it lets probes through; grows by half with each failed round, up
  /// to ten times, with up to 10 % jitter. @source BEHAVIOURS B6.
  milliseconds timeout{60'000};
  /// Calls let through while half open; all must succeed to close it. @source BEHAVIOURS B5.
  int probes = 1;
  /// A probe without an answer by then counts as failed. @source BEHAVIOURS B2.
  milliseconds probe_deadline{10'000};
  /// Set: rates over a window decide instead of failures in a row.
  std::optional<breaker_window> window{};
};

} // namespace troupe::supervision
