#include "runtime/gateway/event_ring.hpp"

#include <algorithm>

namespace troupe::gateway {

const event_ring::event* event_ring::after(std::uint64_t position) const {
  const auto found = std::upper_bound(
      events_.begin(), events_.end(), position, [](auto wanted, const event& each) {
        return wanted < each.position;
      });
  return found == events_.end() ? nullptr : &*found;
}

} // namespace troupe::gateway
