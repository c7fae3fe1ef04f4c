#pragma once

#include "runtime/actor/turn_requests.hpp"
#include "runtime/saga/coordinators.hpp"
#include "runtime/store/turn/forced_breakers.hpp"

#include <cstddef>
#include <vector>

namespace troupe {

/// Everything the runner does once a turn is committed. Emptied when the turn is rolled back.
struct turn_output : saga::outgoing, turn_requests {
  /// The work of a dead process was taken over, which may have left events in the outbox.
  bool took_over = false;
  /// Not everything that is old enough is deleted yet.
  bool has_old_rows = false;
  /// Breaker orders of people, in order; the breaker may know them already.
  std::vector<store::forced_breaker> breaker_orders;

  /// The sizes before one message, to come back to when that message is undone.
  struct mark {
    saga::outgoing::sizes sagas{};
    std::size_t effects = 0;
    std::size_t events = 0;
    std::uint64_t next_event = 0;
    wall_time next_timer = wall_time::max();
  };

  mark here() const {
    return {outgoing::here(), effects.size(), events.size(), next_event, next_timer};
  }

  void back_to(const mark& to) {
    outgoing::back_to(to.sagas);
    effects.resize(to.effects);
    events.resize(to.events);
    next_event = to.next_event;
    next_timer = to.next_timer;
  }

  void clear() {
    back_to(mark{});
    took_over = false;
    has_old_rows = false;
    breaker_orders.clear();
  }
};

} // namespace troupe
