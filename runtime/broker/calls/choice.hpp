#pragma once

#include "runtime/broker/calls/directory.hpp"

#include <cstdint>

namespace troupe::broker {

/// Where a call can go: a placement, or why there is none.
struct choice {
  enum class verdict : std::uint8_t {
    /// To `placement`.
    go,
    /// Some node serves it and has no room now, or none is logged in: wait.
    wait,
    /// Every node there is refuses it, for now.
    exhausted,
  };

  verdict is = verdict::wait;
  std::uint32_t placement = nowhere;
  errc refusal = errc::unavailable;
  milliseconds refusal_wait{0};
  /// A placement that is shut, if nothing else is left of the capability.
  std::uint32_t shut = nowhere;
};

/// The node for a call of capability `where`. With a key: the node with the greatest weight for it
/// that has room (rendezvous hashing), so that a node that comes or goes moves only its own keys.
/// Without: the least loaded, ties in turn. Pure.
///
/// @param kept_free the node that gets nothing new, as a suspect is to be alone there.
choice choose(
    const directory& nodes,
    const capability& where,
    const call& what,
    login_id kept_free,
    instant now);

/// The node for a suspect, which waits there until it is alone: the least loaded.
choice choose_alone(const directory& nodes, const capability& where, const call& what, instant now);

} // namespace troupe::broker
