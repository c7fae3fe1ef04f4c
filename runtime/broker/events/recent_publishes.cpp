#include "runtime/broker/events/recent_publishes.hpp"

namespace troupe::broker {

const recent_publishes::entry* recent_publishes::find(const uuid& id) const {
  if (places_.empty()) {
    return nullptr;
  }
  const std::uint32_t hash = hash_of(id);
  for (std::size_t at = hash % places_max; places_[at].number != 0; at = behind(at)) {
    if (places_[at].hash == hash && ring_[places_[at].number - 1].id == id) {
      return &ring_[places_[at].number - 1].what;
    }
  }
  return nullptr;
}

void recent_publishes::add(const uuid& id, const entry& what) {
  if (places_.empty()) {
    places_.resize(places_max);
  }
  if (count_ == ids_max) {
    take_out(oldest_);
    oldest_ = (oldest_ + 1) % ids_max;
    --count_;
  }
  const std::size_t index = (oldest_ + count_) % ids_max;
  if (index == ring_.size()) {
    ring_.push_back({id, what});
  } else {
    ring_[index] = {id, what};
  }
  ++count_;
  const std::uint32_t hash = hash_of(id);
  std::size_t at = hash % places_max;
  while (places_[at].number != 0) {
    at = behind(at);
  }
  places_[at] = {hash, static_cast<std::uint32_t>(index + 1)};
}

void recent_publishes::drop_from(std::uint64_t position) {
  while (count_ != 0) {
    const std::size_t newest = (oldest_ + count_ - 1) % ids_max;
    if (ring_[newest].what.position < position) {
      return;
    }
    take_out(newest);
    --count_;
  }
}

/// Empties the place of an entry. Entries behind it that would not be found any more move up.
/// @source Knuth, The Art of Computer Programming 3, section 6.4, algorithm R.
void recent_publishes::take_out(std::size_t index) {
  std::size_t hole = hash_of(ring_[index].id) % places_max;
  while (places_[hole].number != index + 1) {
    hole = behind(hole);
  }
  for (std::size_t at = behind(hole); places_[at].number != 0; at = behind(at)) {
    const std::size_t home = places_[at].hash % places_max;
    // The distance to its home, and that to the hole, both backwards and around the end.
    const std::size_t away = (at + places_max - home) % places_max;
    const std::size_t to_hole = (at + places_max - hole) % places_max;
    if (away >= to_hole) {
      places_[hole] = places_[at];
      hole = at;
    }
  }
  places_[hole] = {};
}

} // namespace troupe::broker
