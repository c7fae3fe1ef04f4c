#pragma once

#include "runtime/transport/transport_options.hpp"

#include <cstddef>
#include <string>
#include <vector>

namespace troupe::transport {

/// The brokers that a worker or client logs in at.
struct peer_options {
  std::vector<std::string> brokers;
  heartbeat_options heartbeat;
  std::size_t body_bytes_max;
};

} // namespace troupe::transport
