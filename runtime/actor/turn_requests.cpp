#include "runtime/actor/turn_requests.hpp"

#include <utility>

namespace troupe {

void turn_requests::back_to(const mark& to) {
  effects.resize(to.effects);
  events.resize(to.events);
  next_event = to.next_event;
  next_timer = to.next_timer;
}

store::savepoint_mark turn_requests::at_savepoints() {
  return [this] { return [this, at = here()] { back_to(at); }; };
}

void turn_requests::publish(store::database& session, store::outbox_row&& event) {
  store::outbox outbox{session};
  if (next_event == 0) {
    next_event = outbox.newest().first + 1;
  }
  event.seq = next_event;
  outbox.add(event);
  ++next_event;
  events.push_back(std::move(event));
}

} // namespace troupe
