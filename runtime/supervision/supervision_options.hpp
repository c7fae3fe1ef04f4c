#pragma once

#include "runtime/range.hpp"

#include <chrono>
#include <cstdint>

namespace troupe::supervision {

using std::chrono::milliseconds;

/// The strategy: which other children of the group stop and start when one fails (README, S7).
enum class strategy : std::uint8_t { one_for_one, one_for_all, rest_for_one };

/// The options of restarting a group's children.
struct options {
  strategy on_failure = strategy::one_for_one;
  /// The most restarts `within` the window: with more the group is down.
  int max_restarts = 5;
  milliseconds within{10'000};
  /// The wait before the first restart; doubles with each further one, up to the maximum, and
  /// starts over when a child has lived for `within`. Up to 20 % jitter comes on top of it, also at
  /// the maximum, so that children that fail together do not restart together.
  milliseconds backoff_min{50};
  milliseconds backoff_max{5'000};
  /// The time that a child may take to stop. After that the group goes on without waiting for it.
  milliseconds shutdown{5'000};
  /// The time for which a group that is down stays down before it is tried again.
  milliseconds cool_down{30'000};
  /// The time that a child may take to start before the start counts as failed. No topology sets
  /// it.
  milliseconds start{60'000};

  static constexpr range<int> max_restarts_range{0, 1'000};
  static constexpr range<milliseconds> within_range{milliseconds{1}, std::chrono::hours{24}};
  static constexpr range<milliseconds> backoff_range{milliseconds{1}, std::chrono::hours{1}};
  static constexpr range<milliseconds> shutdown_range{milliseconds{1}, std::chrono::minutes{10}};
  static constexpr range<milliseconds> cool_down_range{milliseconds{1}, std::chrono::hours{24}};
};

/// The bulkhead of one capability: how much work may be under way at once.
struct bulkhead_options {
  /// Calls one worker holds for this capability, waiting or being handled.
  int in_flight = 64;
  /// Calls the broker keeps waiting for this capability beyond that.
  int queue = 1'000;
  /// Events one worker holds for this capability, waiting or being handled.
  int events = 4'096;

  static constexpr range<int> in_flight_range{1, 65'536};
  static constexpr range<int> queue_range{0, 1'000'000};
  static constexpr range<int> events_range{1, 65'536};
};

/// The tries of an event whose handling failed: how many, and when.
struct retry_options {
  /// The first attempt included; after the last one the event is a dead letter.
  int attempts = 10;
  /// The wait before the second attempt; doubles with each further one, up to the maximum.
  milliseconds backoff_min{100};
  milliseconds backoff_max{30'000};

  static constexpr range<int> attempts_range{1, 1'000};
  static constexpr range<milliseconds> backoff_range{milliseconds{1}, std::chrono::hours{1}};
};

} // namespace troupe::supervision
