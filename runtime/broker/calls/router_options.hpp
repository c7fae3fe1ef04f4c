#pragma once

#include "runtime/clock.hpp"
#include "runtime/ids.hpp"
#include "runtime/observe/trace_context.hpp"

#include <cstdint>
#include <vector>

namespace troupe::broker {

/// The options of a capability, which the router knows before any worker logs in.
struct capability_options {
  capability_name name;
  /// Calls that may wait for it here. 0 to 1,000,000.
  std::uint32_t queue_max = 1'000;
  /// The nodes on which the topology places it: no other may serve it. Empty: all.
  std::vector<node_name> nodes{};
  /// Decides which calls without a trace are recorded.
  observe::sampling sampling{};
};

struct router_options {
  /// Digests of the topology: a worker is refused if neither the digest of its text nor that of the
  /// parts in common with the broker is equal.
  std::uint64_t plan_digest = 0;
  std::uint64_t shared_plan_digest = 0;
  std::vector<capability_options> capabilities;
  /// The only names under which workers may log in. Each is also a capability `troupe.node.NAME`.
  std::vector<node_name> nodes;
  /// Calls held at once, waiting, delivered or awaiting. 1 to 10,000,000.
  std::uint32_t calls_max = 1'000'000;
  /// Bytes of calls that are held at once, their slots included; `awaiting_bytes_max` of them may
  /// be calls that a worker answers later. 1 MiB or more.
  std::size_t call_bytes_max = std::size_t{6} << 30U;
  std::size_t awaiting_bytes_max = std::size_t{2} << 30U;
  /// Origins that wait for one call.
  std::uint32_t waiters_max = 16;
  /// Silence after which a worker counts as lost.
  milliseconds silence_max{800};
  /// Calls outstanding at, and waiting for, each `troupe.node.NAME`.
  std::uint32_t node_credit = 64;
};

} // namespace troupe::broker
