#pragma once

#include "runtime/worker/group.hpp"

#include <map>
#include <utility>

namespace troupe {

/// Items that wait for their time and then go back into their group's queues: timers of sagas, and
/// work that could not be done when it came. Socket loop.
class delayed_items {
public:
  void add(group& to, instant due, item&& what) {
    waiting_.emplace(due, std::pair{&to, std::move(what)});
  }

  void push_due(instant now) {
    for (; !waiting_.empty() && waiting_.begin()->first <= now; waiting_.erase(waiting_.begin())) {
      auto& [to, what] = waiting_.begin()->second;
      to->queues().push_internal(std::move(what));
    }
  }

private:
  std::multimap<instant, std::pair<group*, item>> waiting_;
};

} // namespace troupe
