#pragma once

#include "runtime/actor/turn_requests.hpp"
#include "runtime/observe/event_log.hpp"
#include "runtime/saga/coordinators.hpp"
#include "runtime/store/turn/forced_breakers.hpp"
#include "runtime/worker/item.hpp"

#include <cstddef>
#include <string_view>
#include <vector>

namespace troupe {

/// The actions of the runner after a turn's commit. Emptied when the turn is rolled back.
struct turn_output : saga::outgoing, turn_requests {
  /// A line for the log.
  struct line {
    std::string_view event; // A literal.
    observe::log_fields fields;
  };

  /// Processes whose work was taken over, which may have left events in the outbox.
  std::uint64_t takeovers = 0;
  /// Whether old rows are left to be deleted.
  bool has_old_rows = false;
  /// Whether an answer is sent that another turn has stored.
  bool tells_stored = false;
  /// Breaker orders of people, in order; the breaker may know them already.
  std::vector<store::forced_breaker> breaker_orders;
  /// Items for the group's own queue.
  std::vector<item> items;
  /// Log lines about the turn, for people.
  std::vector<line> lines;

  /// The sizes before one message, restored when that message is undone.
  struct mark {
    saga::outgoing::sizes sagas{};
    turn_requests::mark requests{};
  };

  mark here() const { return {outgoing::here(), turn_requests::here()}; }

  void back_to(const mark& to) {
    outgoing::back_to(to.sagas);
    turn_requests::back_to(to.requests);
  }

  void clear() {
    back_to(mark{});
    stopped.clear();
    all_stopped = false;
    takeovers = 0;
    has_old_rows = false;
    tells_stored = false;
    breaker_orders.clear();
    items.clear();
    lines.clear();
  }
};

} // namespace troupe
