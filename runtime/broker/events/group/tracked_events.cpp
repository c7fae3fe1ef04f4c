#include "runtime/broker/events/group/tracked_events.hpp"

namespace troupe::broker {

std::uint32_t tracked_events::take_slot(std::uint64_t position, std::uint32_t partition) {
  std::uint32_t slot = free_;
  if (slot == nowhere) {
    slot = static_cast<std::uint32_t>(slots_.size());
    slots_.emplace_back();
  } else {
    free_ = slots_[slot].next;
  }
  tracked_event& taken = slots_[slot];
  taken.position = position;
  taken.first = {};
  taken.partition = partition;
  taken.next = nowhere;
  taken.is = tracked_event::state::waiting;
  return slot;
}

tracked_event&
tracked_events::append(event_line& to, const event_ref& what, std::uint32_t partition) {
  const std::uint32_t slot = take_slot(what->position, partition);
  give_body(slot, what);
  tracked_event& added = slots_[slot];
  ++in_line_.events;
  in_line_.bytes += added.bytes;
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

std::uint32_t tracked_events::pop(event_line& from) {
  const std::uint32_t slot = from.first;
  const tracked_event& popped = slots_[slot];
  from.first = popped.next;
  if (from.next == slot) {
    from.next = popped.next;
  }
  if (from.last == slot) {
    from.last = nowhere;
  }
  --in_line_.events;
  in_line_.bytes -= popped.bytes;
  return slot;
}

std::uint32_t tracked_events::add(std::uint64_t position, std::uint32_t partition) {
  return take_slot(position, partition);
}

void tracked_events::give_body(std::uint32_t slot, const event_ref& what) {
  tracked_event& to = slots_[slot];
  to.what = what;
  to.bytes = static_cast<std::uint32_t>(what->bytes());
  ++all_.events;
  all_.bytes += to.bytes;
}

void tracked_events::remove(std::uint32_t slot) {
  tracked_event& removed = slots_[slot];
  if (removed.what != nullptr) {
    --all_.events;
    all_.bytes -= removed.bytes;
    removed.what = nullptr;
  }
  removed.postponed = nullptr;
  removed.next = free_;
  free_ = slot;
}

bool tracked_events::has_room() const {
  return all_.events == 0 || (all_.events < window_.events && all_.bytes < window_.bytes);
}

std::size_t tracked_events::room() const {
  return all_.events < window_.events ? window_.events - all_.events : has_room() ? 1 : 0;
}

bool tracked_events::wants_more() const {
  return has_room() && in_line_.events <= window_.events / 2 && in_line_.bytes <= window_.bytes / 2;
}

} // namespace troupe::broker
