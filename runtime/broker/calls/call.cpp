#include "runtime/broker/calls/call.hpp"

namespace troupe::broker {

instant call::latest_deadline() const {
  instant latest = waiters.front().deadline;
  for (const waiter& each : waiters) {
    latest = std::max(latest, each.deadline);
  }
  return latest;
}

instant call::earliest_deadline() const {
  instant earliest = waiters.front().deadline;
  for (const waiter& each : waiters) {
    earliest = std::min(earliest, each.deadline);
  }
  return earliest;
}

} // namespace troupe::broker
