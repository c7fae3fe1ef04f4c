#include "runtime/gateway/event_ring.hpp"

#include <algorithm>

namespace troupe::gateway {

const event_ring::event* event_ring::after(std::uint64_t position) const {
  const auto found = std::ranges::upper_bound(events_, position, {}, &event::position);
  return found == events_.end() ? nullptr : &*found;
}

} // namespace troupe::gateway
