#pragma once

#include "runtime/range.hpp"

#include <chrono>
#include <optional>

namespace troupe::supervision {

using std::chrono::milliseconds;

/// The sliding window of a breaker that decides by rates.
struct breaker_window {
  /// Length of the window, in ten parts that expire one by one.
  milliseconds span{10'000};
  /// Below this many outcomes in the window nothing opens the breaker (README, B4).
  int minimum_calls = 20;
  /// The breaker opens at or above this fraction of failures (README, B3).
  double failure_rate = 0.5;
  /// A call that takes strictly longer is slow.
  milliseconds slow_call{60'000};
  /// The breaker opens at or above this fraction of slow calls.
  double slow_rate = 1.0;

  static constexpr range<milliseconds> span_range{std::chrono::seconds{1}, std::chrono::hours{1}};
  static constexpr range<int> minimum_calls_range{1, 1'000'000};
  static constexpr range<milliseconds> slow_call_range{milliseconds{1}, std::chrono::hours{1}};
  /// The range of both rates. At a rate of 0 a success would open the breaker.
  static constexpr range<double> rate_range{0.0001, 1.0};
};

/// The options of a group's breaker: when it opens and how it closes again.
struct breaker_options {
  /// Failures in a row that open it; without effect where `window` is set.
  int threshold = 5;
  /// The time for which it stays open before it lets probes through; grows by half with each failed
  /// round, up to ten times, with up to 10 % jitter (README, B6).
  milliseconds timeout{60'000};
  /// Calls let through while it is half open; all must succeed to close it (README, B5).
  int probes = 1;
  /// A probe without an answer by then counts as failed (README, B2).
  milliseconds probe_deadline{10'000};
  /// The window; with one, rates over it decide instead of failures in a row.
  std::optional<breaker_window> window{};

  static constexpr range<int> threshold_range{1, 1'000'000};
  static constexpr range<milliseconds> timeout_range{milliseconds{1}, std::chrono::hours{24}};
  static constexpr range<int> probes_range{1, 10'000};
  static constexpr range<milliseconds> probe_deadline_range{milliseconds{1}, std::chrono::hours{1}};
};

} // namespace troupe::supervision
