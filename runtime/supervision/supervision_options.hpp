#pragma once

#include <chrono>
#include <cstdint>

namespace troupe::supervision {

using std::chrono::milliseconds;

/// What else stops and starts when a child fails. @source BEHAVIOURS S7.
enum class strategy : std::uint8_t { one_for_one, one_for_all, rest_for_one };

/// When a child that ended is started again. @source BEHAVIOURS S5.
enum class restart : std::uint8_t { permanent, transient, temporary };

/// How a group restarts its children.
struct options {
  strategy on_failure = strategy::one_for_one;
  /// More restarts than this `within` the window and the group is down. 0 to 1,000.
  int max_restarts = 5;
  milliseconds within{10'000};
  /// Wait before the first restart; doubles with each further one, up to the maximum, and starts
  /// over when a child has lived for `within`. Up to 20 % jitter comes on top of it, also at the
  /// maximum, so that what failed together does not come back together.
  milliseconds backoff_min{50};
  milliseconds backoff_max{5'000};
  /// How long a child may take to stop before it is given up.
  milliseconds shutdown{5'000};
  /// How long a group that is down stays down before it is tried again.
  milliseconds cool_down{30'000};
  /// How long a child may take to start before it is killed and the start counts as failed.
  milliseconds start{60'000};
};

/// The bulkhead of a capability.
struct bulkhead_options {
  /// Calls one worker holds at once for this capability, waiting or in hand. 1 to 65,536.
  int in_flight = 64;
  /// Calls the broker keeps waiting for this capability beyond that. 0 to 1,000,000.
  int queue = 1'000;
  /// Events one worker holds at once for this capability, waiting or in hand. 1 to 65,536.
  int events = 4'096;
};

/// How often and when an event whose handling failed is handled again.
struct retry_options {
  /// The first included; after the last the event is a dead letter. 1 to 1,000.
  int attempts = 10;
  /// Wait before the second attempt; doubles with each further one, up to the maximum. 1 ms to 1 h.
  milliseconds backoff_min{100};
  milliseconds backoff_max{30'000};
};

} // namespace troupe::supervision
