#pragma once

#include "runtime/broker/calls/directory.hpp"

#include <cstdint>

namespace troupe::broker {

/// The result of choosing a node for a call: a placement, or why there is none.
struct choice {
  enum class verdict : std::uint8_t {
    /// The call goes to `placement`.
    go,
    /// A node that serves it has no room now, or none is logged in: wait. A call with a key waits
    /// for `placement`, if there is one.
    wait,
    /// Every live node refuses it for now.
    exhausted,
  };

  verdict is = verdict::wait;
  std::uint32_t placement = nowhere;
  errc refusal = errc::unavailable;
  milliseconds refusal_wait{0};
  /// A shut placement, if the capability has no other.
  std::uint32_t shut = nowhere;
};

/// The node for a call of capability `where`. With a key: the node that has calls of the key in
/// hand, else the one with the greatest weight for it (rendezvous hashing), so that a change of
/// nodes moves only the keys of the changed node; if that node has no room, the call waits for it.
/// Without a key: the least loaded node with room, ties by turns. Pure.
///
/// @param hold the node that has calls of its key in hand (`held_calls::hold_of_key`).
/// @param kept_free the node that gets nothing new, as a suspect must be alone there.
choice choose(
    const directory& nodes,
    const capability& where,
    const call& what,
    const key_hold& hold,
    login_id kept_free,
    instant now);

/// The node for a suspect: the least loaded one, where it waits until it is alone.
choice choose_alone(const directory& nodes, const capability& where, const call& what, instant now);

} // namespace troupe::broker
