#pragma once

#include "runtime/broker/calls/directory.hpp"

#include <cstdint>

namespace troupe::broker {

/// The place where a call can go: a placement, or why there is none.
struct choice {
  enum class verdict : std::uint8_t {
    /// The call goes to `placement`.
    go,
    /// Some node serves it and has no room now, or none is logged in: wait. A call with a key waits
    /// for `placement`, if there is one.
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

/// The node for a call of capability `where`. With a key: the node that has calls of the key in
/// hand, else the one with the greatest weight for it (rendezvous hashing), so that a node that
/// comes or goes moves only its own keys; if that has no room, the call waits for it. Without: the
/// least loaded with room, ties in turn. Pure.
///
/// @param hold who has calls of its key in hand (`held_calls::hold_of_key`).
/// @param kept_free the node that gets nothing new, as a suspect is to be alone there.
choice choose(
    const directory& nodes,
    const capability& where,
    const call& what,
    const key_hold& hold,
    login_id kept_free,
    instant now);

/// The node for a suspect, which waits there until it is alone: the least loaded.
choice choose_alone(const directory& nodes, const capability& where, const call& what, instant now);

} // namespace troupe::broker
