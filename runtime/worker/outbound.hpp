#pragma once

#include "runtime/saga/coordinators.hpp"
#include "runtime/worker/item.hpp"

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace troupe {

class group;

/// What one turn of a runner hands to the worker's socket loop.
struct outbound {
  struct frame {
    int link = 0;
    std::string bytes;
  };

  group* from = nullptr;
  /// Batch frames with the replies, one per broker.
  std::vector<frame> replies;
  /// A batch frame with answers to calls that had been left pending: for every broker, since it is
  /// the call's id that matches.
  std::string everywhere;
  /// The notes of calls that are answered now.
  std::vector<std::uint32_t> slots;
  std::vector<saga::outgoing::call> calls;
  std::vector<saga::outgoing::timer> timers;
  /// Items of the group itself that could not be done now: back into its work_queue after a while.
  std::vector<item> again;
  /// The same, each after a while of its own.
  std::vector<std::pair<milliseconds, item>> later;
  /// Credit, breaker or health of the group changed: tell the brokers.
  bool changed = false;
};

} // namespace troupe
