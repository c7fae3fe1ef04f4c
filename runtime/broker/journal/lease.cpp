#include "runtime/broker/journal/lease.hpp"

namespace troupe::broker {

bool is_renewal_due(std::chrono::milliseconds left, std::chrono::milliseconds lease) {
  return left < lease - lease / 4 || left > lease;
}

lease_step decide(const lease_seen& seen, const lease_self& self, std::chrono::milliseconds lease) {
  if (self.holds) {
    if (seen.generation != *self.holds) {
      return lease_step::give_up;
    }
    // Each batch renews it as well, so that a busy journal is not renewed here. A lease that has
    // ended in the same generation was taken by nobody, and is as good as before.
    const bool is_due = is_renewal_due(seen.left, lease);
    return is_due && self.is_lively ? lease_step::renew : lease_step::wait;
  }
  // What this process took before, and lost, nobody else may have.
  const bool is_free = seen.left.count() <= 0 || !seen.is_attended || seen.owner == self.owner;
  return self.is_candidate && self.is_lively && is_free ? lease_step::take : lease_step::wait;
}

lease_step decide_unseen(
    const lease_self& self, std::chrono::milliseconds unseen, std::chrono::milliseconds lease) {
  return self.holds && unseen >= lease ? lease_step::give_up : lease_step::wait;
}

} // namespace troupe::broker
