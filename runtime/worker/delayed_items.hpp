#pragma once

#include "runtime/worker/outbound.hpp"
#include "runtime/worker/saga_timers.hpp"

#include <map>
#include <utility>

namespace troupe {

/// Items that wait for their time and then go back into their group's queues: alarms, work that
/// could not be done on arrival, and timers of sagas. Socket loop.
class delayed_items {
public:
  /// Takes the delayed items of a group's turn.
  void take(group& of, outbound& turn, instant now) {
    timers_.take(of, turn, now);
    for (outbound::delayed& each : turn.later) {
      waiting_.emplace(now + each.delay, std::pair{&of, std::move(each.what)});
    }
  }

  void push_due(instant now) {
    timers_.push_due(now);
    for (; !waiting_.empty() && waiting_.begin()->first <= now; waiting_.erase(waiting_.begin())) {
      auto& [to, what] = waiting_.begin()->second;
      to->queues().push_internal(std::move(what));
    }
  }

private:
  saga_timers timers_;
  std::multimap<instant, std::pair<group*, item>> waiting_;
};

} // namespace troupe
