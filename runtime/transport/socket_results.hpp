#pragma once

#include <cstdint>

namespace troupe::transport {

/// The outcome of a send, which never blocks and never throws.
enum class sent : std::uint8_t {
  /// The message is in libzmq's queue towards the peer. It may still be lost; only the peer's
  /// answer says that it came.
  queued,
  /// The peer's queue is at its high-water mark; nothing was sent.
  full,
  /// The peer or its connection is not there; nothing was sent.
  gone,
};

} // namespace troupe::transport
