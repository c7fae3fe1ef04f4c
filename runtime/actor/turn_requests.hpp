#pragma once

#include "runtime/clock.hpp"
#include "runtime/store/lent_session.hpp"
#include "runtime/store/turn/writers.hpp"
#include "runtime/wire/limits.hpp"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace troupe {

/// Effects, events and timers that handlers asked for in a turn. The runtime carries them out once
/// the turn is committed, and forgets them if it is rolled back.
struct turn_requests {
  std::vector<store::effect_row> effects;
  /// The events that were published: in the outbox since this turn, with consecutive numbers.
  std::vector<store::outbox_row> events;
  /// The number of the next event; 0 until it was read from the outbox.
  std::uint64_t next_event = 0;
  /// The largest body of an event that brokers accept.
  std::size_t event_bytes_max = wire::body_bytes_max;
  /// The time at which the earliest known timer is due; the end of time if there is none.
  wall_time next_timer = wall_time::max();

  /// The sizes at some time, restored when what came after it is undone.
  struct mark {
    std::size_t effects = 0;
    std::size_t events = 0;
    std::uint64_t next_event = 0;
    wall_time next_timer = wall_time::max();
  };

  mark here() const { return {effects.size(), events.size(), next_event, next_timer}; }

  void back_to(const mark& to);

  /// The mark by which a handler's savepoints also undo its requests. Borrows this.
  store::savepoint_mark at_savepoints();

  /// Appends an event to the outbox.
  void publish(store::database& session, store::outbox_row&& event);
};

} // namespace troupe
