#include "runtime/broker/server/known_workers.hpp"

#include <algorithm>

namespace troupe::broker {

void known_workers::joined(login_id whom, const wire::hello& what) {
  wire::hello& known = workers_[whom];
  known = {};
  known.role = what.role;
  known.node = what.node;
  known.incarnation = what.incarnation;
  known.serves = what.serves;
}

void known_workers::said(login_id whom, const wire::state& what) {
  const auto known = workers_.find(whom);
  if (known == workers_.end()) {
    return;
  }
  for (const wire::served& each : what.serves) {
    auto& serves = known->second.serves;
    const auto same = std::ranges::find_if(
        serves, [&each](const auto& one) { return one.capability == each.capability; });
    if (same == serves.end()) {
      continue; // It was not in HELLO: the router does not know it either.
    }
    *same = each;
    if (what.draining) {
      same->events = 0;
    }
  }
}

} // namespace troupe::broker
