#include "runtime/actor/turn_requests.hpp"

#include <utility>

namespace troupe {

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
