#include "runtime/broker/events/group/retries.hpp"

namespace troupe::broker {

std::uint32_t retries::find(std::uint64_t position) const {
  const auto found = all_.find(position);
  return found == all_.end() ? nowhere : found->second;
}

void retries::add(
    std::uint32_t slot, const wire::postponed& said, std::string_view node, instant now) {
  tracked_event& added = events_[slot];
  added.postponed = std::make_unique<tracked_event::postponement>(tracked_event::postponement{
      said, std::string{node}, said.attempts == 0 ? now : now + backoff(said.attempts)});
  all_[said.position] = slot;
  of_partition& of = partitions_[added.partition];
  of.positions.insert(said.position);
  if (added.what == nullptr) {
    ++of.bodiless;
  } else if (!added.what->key.empty()) {
    of_key_[added.what->key].insert(said.position);
  }
}

void retries::failed_again(
    std::uint32_t slot, const wire::postponed& said, std::string_view node, instant now) {
  tracked_event& which = events_[slot];
  // An event with the same number of attempts was not run: the database has an earlier one of its
  // key.
  const bool was_run = said.attempts > which.postponed->said.attempts;
  *which.postponed = {
      said,
      std::string{node},
      now + (was_run ? backoff(said.attempts) : instant::duration{backoff_.min})};
  if (which.is == tracked_event::state::with_worker) {
    which.is = tracked_event::state::waiting;
    --partitions_[which.partition].in_flight;
  }
}

void retries::give_body(std::uint32_t slot, const event_ref& what) {
  events_.give_body(slot, what);
  --partitions_[events_[slot].partition].bodiless;
  if (!what->key.empty()) {
    of_key_[what->key].insert(what->position);
  }
}

void retries::remove(std::uint32_t slot, instant now) {
  const tracked_event& removed = events_[slot];
  const std::uint64_t position = removed.position;
  of_partition& of = partitions_[removed.partition];
  withhold(slot);
  of.positions.erase(position);
  if (removed.is == tracked_event::state::with_worker) {
    --of.in_flight;
  }
  std::uint64_t next = 0;
  if (removed.what == nullptr) {
    --of.bodiless;
  } else if (const auto key = of_key_.find(removed.what->key); key != of_key_.end()) {
    key->second.erase(position);
    if (key->second.empty()) {
      of_key_.erase(key);
    } else {
      next = *key->second.begin();
    }
  }
  all_.erase(position);
  events_.remove(slot);
  if (next != 0) {
    schedule(find(next), now);
  }
}

bool retries::is_first_of_key(const tracked_event& which) const {
  const auto of_key = of_key_.find(which.what->key);
  return of_key == of_key_.end() || *of_key->second.begin() == which.position;
}

void retries::schedule(std::uint32_t slot, instant now) {
  const tracked_event& which = events_[slot];
  of_partition& of = partitions_[which.partition];
  if (of.bodiless != 0 || which.is != tracked_event::state::waiting || which.postponed->said.dead
      || !is_first_of_key(which)) {
    return;
  }
  if (which.postponed->due > now) {
    alarms_.push({which.postponed->due, which.position});
    return;
  }
  of.ready.insert(which.position);
  if (woken_.empty() || woken_.back() != which.partition) {
    woken_.push_back(which.partition);
  }
}

void retries::schedule_all(std::uint32_t partition, instant now) {
  of_partition& of = partitions_[partition];
  of.ready.clear();
  of.aside.clear();
  for (const std::uint64_t each : of.positions) {
    schedule(find(each), now);
  }
}

void retries::ring(instant now) {
  while (!alarms_.empty() && alarms_.top().at <= now) {
    const std::uint32_t slot = find(alarms_.top().position);
    alarms_.pop();
    if (slot != nowhere) {
      schedule(slot, now);
    }
  }
}

std::uint32_t retries::take_ready(std::uint32_t partition) {
  std::set<std::uint64_t>& ready = partitions_[partition].ready;
  const std::uint32_t slot = find(*ready.begin());
  ready.erase(ready.begin());
  return slot;
}

void retries::set_aside(std::uint32_t slot) {
  partitions_[events_[slot].partition].aside.insert(events_[slot].position);
}

std::uint32_t retries::first_aside(std::uint32_t partition) const {
  const std::set<std::uint64_t>& aside = partitions_[partition].aside;
  return aside.empty() ? nowhere : find(*aside.begin());
}

bool retries::take_aside(std::uint32_t slot) {
  return partitions_[events_[slot].partition].aside.erase(events_[slot].position) != 0;
}

void retries::reconsider() {
  for (of_partition& each : partitions_) {
    each.ready.merge(each.aside);
    each.aside.clear();
  }
}

void retries::withhold(std::uint32_t slot) {
  of_partition& of = partitions_[events_[slot].partition];
  of.ready.erase(events_[slot].position);
  of.aside.erase(events_[slot].position);
}

void retries::forget_worker(std::uint32_t partition) {
  of_partition& of = partitions_[partition];
  of.in_flight = 0;
  of.ready.clear();
  of.aside.clear();
}

/// Doubles with each try; a quarter more or less at random.
instant::duration retries::backoff(std::uint32_t attempts) {
  const instant::duration wait = backoff_after(attempts, backoff_.min, backoff_.max);
  return jitter_.stretch(wait - wait / 4, 2.0 / 3);
}

} // namespace troupe::broker
