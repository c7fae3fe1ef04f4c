#include "runtime/broker/events/group/held_events.hpp"

#include <utility>

namespace troupe::broker {

held_event& held_events::append(event_line& to, const event_ref& what) {
  std::uint32_t slot = free_;
  if (slot == nowhere) {
    slot = static_cast<std::uint32_t>(slots_.size());
    slots_.emplace_back();
  } else {
    free_ = slots_[slot].next;
  }
  held_event& added = slots_[slot];
  added.what = what;
  added.position = what->position;
  added.delivered_at = {};
  added.bytes = what->bytes();
  added.next = nowhere;
  added.is = held_event::fate::handled;
  ++size_;
  bytes_ += added.bytes;
  if (to.last == nowhere) {
    to.first = slot;
  } else {
    slots_[to.last].next = slot;
  }
  to.last = slot;
  if (to.next == nowhere) {
    to.next = slot;
  }
  return added;
}

event_ref held_events::pop(event_line& from) {
  const std::uint32_t slot = from.first;
  held_event& popped = slots_[slot];
  from.first = popped.next;
  if (from.next == slot) {
    from.next = popped.next;
  }
  if (from.last == slot) {
    from.last = nowhere;
  }
  --size_;
  bytes_ -= popped.bytes;
  popped.next = free_;
  free_ = slot;
  return std::exchange(popped.what, nullptr);
}

} // namespace troupe::broker
