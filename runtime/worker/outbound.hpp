#pragma once

#include "runtime/clock.hpp"
#include "runtime/saga/coordinators.hpp"
#include "runtime/worker/group_probe.hpp"
#include "runtime/worker/item.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace troupe {

class group;

/// The messages and requests that one turn of a runner passes to the worker's socket loop.
struct outbound {
  struct frame {
    int link = 0;
    std::string bytes;
  };

  struct delayed {
    milliseconds delay{};
    item what;
  };

  group* from = nullptr;
  /// Batch frames with the replies, one per broker.
  std::vector<frame> replies;
  /// Batch frames for every broker, with the answers to pending calls: a caller may have repeated
  /// its call through another broker than the first.
  std::vector<std::string> everywhere;
  /// The slots of the calls that are answered now.
  std::vector<std::uint32_t> slots;
  /// Events that have ended. Like the calls above they are in hand until the socket loop has this.
  std::int64_t events = 0;
  /// Effects whose results are settled; in hand likewise.
  std::int64_t effects = 0;
  std::vector<saga::outgoing::call> calls;
  /// Changes of the timers of sagas (saga::outgoing).
  std::vector<saga::outgoing::timer> timers;
  std::vector<uuid> stopped;
  bool all_stopped = false;
  /// Items to queue again, each after its own delay: alarms, retries.
  std::vector<delayed> later;
  /// The answer to a probe of the socket loop.
  std::optional<group_probe> probed;
  /// The number of a login at the journal's broker that must be renewed: the database was connected
  /// again, and the agreed state of its events and outbox is void. 0: none.
  std::uint32_t void_login = 0;
  /// Whether credit, breaker or health of the group changed, so that the brokers must be told.
  bool changed = false;
};

} // namespace troupe
