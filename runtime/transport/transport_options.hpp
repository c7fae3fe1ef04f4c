#pragma once

#include <chrono>

namespace troupe::transport {

using std::chrono::milliseconds;

/// The times in which a link notices that its other side is gone.
struct heartbeat_options {
  /// The time between two ZMTP pings, and between two progress reports of a node. 50 ms to 10 s.
  milliseconds interval{200};
  /// Silence after which a peer counts as lost. At least three intervals.
  milliseconds timeout{800};
};

} // namespace troupe::transport
