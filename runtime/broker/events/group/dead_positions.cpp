#include "runtime/broker/events/group/dead_positions.hpp"

#include "runtime/broker/decided.hpp"

#include <algorithm>
#include <utility>

namespace troupe::broker {

namespace {

constexpr std::size_t on_disk_max = 65'536;

} // namespace

dead_positions::dead_positions(std::vector<std::uint64_t> on_disk) : on_disk_{std::move(on_disk)} {
  std::ranges::sort(on_disk_);
}

bool dead_positions::is_dead(std::uint64_t position) const {
  return !on_disk_.empty() && position <= on_disk_.back()
         && std::ranges::binary_search(on_disk_, position);
}

std::uint32_t dead_positions::written(std::uint64_t position) {
  const auto place = std::ranges::lower_bound(on_disk_, position);
  if (place == on_disk_.end() || *place != position) {
    on_disk_.insert(place, position);
  }
  const auto ordered = dying_.extract(position);
  return ordered.empty() ? nowhere : ordered.mapped();
}

bool dead_positions::is_full() const {
  return on_disk_.size() >= on_disk_max;
}

void dead_positions::forget_up_to(std::uint64_t position) {
  on_disk_.erase(on_disk_.begin(), std::ranges::upper_bound(on_disk_, position));
}

} // namespace troupe::broker
