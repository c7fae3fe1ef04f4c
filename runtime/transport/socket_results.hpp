#pragma once

#include <cstdint>

namespace troupe::transport {

/// The outcome of a send, which never blocks and never throws.
enum class sent : std::uint8_t {
  /// In libzmq's queue towards the peer. The message may still be lost; only the peer's answer says
  /// that it came.
  queued,
  /// The peer's queue is at its high-water mark; nothing was sent.
  full,
  /// There is no such peer, or no connection; nothing was sent.
  gone,
};

} // namespace troupe::transport
