#pragma once

#include "runtime/broker/calls/actions.hpp"
#include "runtime/broker/journal/event.hpp"
#include "runtime/clock.hpp"
#include "runtime/wire/events.hpp"

#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

// What a group of subscribers wants done about its events.

namespace troupe::broker {

/// Send the event to the worker.
struct deliver_event {
  login_id to;
  event_ref what;
};

/// Send ASSIGN to the worker.
struct send_assign {
  login_id to;
  std::uint64_t epoch = 0;
  std::vector<wire::progress> partitions;
};

/// Send BURIED to the worker.
struct send_buried {
  login_id to;
  std::vector<std::uint64_t> positions;
};

/// Make a dead letter, and call `subscriber::buried` when it is on disk.
struct bury {
  /// Without times: a group knows none of the day.
  dead_letter letter;
  /// How long ago it was first delivered. It is given up now.
  milliseconds tried_for{0};
};

/// Read the events at these positions, and call `subscriber::fetched` with what is there.
struct fetch {
  std::vector<std::uint64_t> positions;
};

/// Keep the worker's node free of everything else, and call `subscriber::isolated` when it is; or
/// let it go again.
struct isolate_worker {
  login_id whom;
};

struct release_worker {
  login_id whom;
};

using group_action = std::
    variant<deliver_event, send_assign, send_buried, bury, fetch, isolate_worker, release_worker>;

/// What a group decided about one input. Reused; carried out in order, before the next input.
struct group_decisions {
  std::vector<group_action> actions;
  std::vector<log_event> events;

  void clear() {
    actions.clear();
    events.clear();
  }
};

} // namespace troupe::broker
