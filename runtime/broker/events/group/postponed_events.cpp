#include "runtime/broker/events/group/postponed_events.hpp"

namespace troupe::broker {

postponed_event* postponed_events::find(std::uint64_t position) {
  const auto found = all_.find(position);
  return found == all_.end() ? nullptr : &found->second;
}

postponed_event& postponed_events::add(std::uint64_t position, std::uint32_t partition) {
  postponed_event& added = all_[position];
  added.partition = partition;
  return added;
}

void postponed_events::give_body(
    std::uint64_t position, postponed_event& to, const event_ref& what) {
  to.what = what;
  ++held_;
  bytes_ += what->bytes();
  if (!what->key.empty()) {
    of_key_[what->key].insert(position);
  }
}

std::uint64_t postponed_events::remove(std::uint64_t position) {
  const auto found = all_.find(position);
  if (found == all_.end()) {
    return 0;
  }
  std::uint64_t next = 0;
  if (const event_ref& what = found->second.what; what != nullptr) {
    --held_;
    bytes_ -= what->bytes();
    const auto of_key = of_key_.find(what->key);
    if (of_key != of_key_.end()) {
      of_key->second.erase(position);
      if (of_key->second.empty()) {
        of_key_.erase(of_key);
      } else {
        next = *of_key->second.begin();
      }
    }
  }
  all_.erase(found);
  return next;
}

bool postponed_events::is_first_of_key(std::uint64_t position, const postponed_event& which) const {
  const auto of_key = of_key_.find(which.what->key);
  return of_key == of_key_.end() || *of_key->second.begin() == position;
}

} // namespace troupe::broker
