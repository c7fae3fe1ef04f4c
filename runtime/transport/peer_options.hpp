#pragma once

#include "runtime/transport/transport_options.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace troupe::transport {

/// The brokers that a worker or client logs in at.
struct peer_options {
  std::vector<std::string> brokers;
  heartbeat_options heartbeat;
  std::size_t body_bytes_max;
  /// After a longer silence a broker may have stood still: what comes then counts as sent when the
  /// silence began, until the broker has answered a ping. Absent: no time depends on it.
  std::optional<milliseconds> silence_noticed{};
};

} // namespace troupe::transport
