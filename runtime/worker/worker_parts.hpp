#pragma once

#include "runtime/actor/capability_call.hpp"
#include "runtime/clock.hpp"
#include "runtime/ids.hpp"
#include "runtime/observe/event_log.hpp"
#include "runtime/observe/span_ring.hpp"
#include "runtime/transport/loop_inlet.hpp"
#include "runtime/wire/limits.hpp"
#include "runtime/worker/outbound.hpp"

#include <cstddef>
#include <string>

namespace troupe {

/// Everything that the groups of a worker share. Outlives them.
struct worker_parts {
  const clock& time;
  observe::event_log& log;
  transport::loop_inlet<outbound>& inlet;
  std::string node;
  uuid incarnation;
  /// The folder of the topology file.
  std::string folder;
  /// The number of brokers.
  int links = 1;
  /// The limit of a reply's body, and of an event's.
  std::size_t body_bytes_max = wire::body_bytes_max;
  /// The spans of all threads.
  observe::span_rings spans{};
  /// The name of the system, by which a database on a server identifies its owner; may be empty.
  std::string system{};
  /// The function by which effects call other capabilities.
  ask_capability ask{};
};

} // namespace troupe
