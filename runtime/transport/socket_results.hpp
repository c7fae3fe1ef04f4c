#pragma once

#include <cstdint>

namespace troupe::transport {

/// What became of a message. A send never blocks and never throws.
enum class sent : std::uint8_t {
  /// In libzmq's queue towards the peer. Only an answer of the application ends responsibility.
  queued,
  /// The peer's queue is at its high-water mark; nothing was sent.
  full,
  /// There is no such peer, or no connection; nothing was sent.
  gone,
};

} // namespace troupe::transport
