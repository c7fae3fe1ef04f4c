#include "runtime/worker/offenders.hpp"

#include "runtime/backoff.hpp"

namespace troupe {

bool offenders::blame(const uuid& id, instant now) {
  const auto [at, is_new] = known_.try_emplace(id);
  offender& blamed = at->second;
  ++blamed.throws;
  blamed.not_before = now + backoff_after(blamed.throws, wait_first, wait_most);
  if (is_new) {
    oldest_.push_back(id);
    if (oldest_.size() > kept_max) {
      known_.erase(oldest_.front());
      oldest_.pop_front();
    }
  }
  return !is_new;
}

const offenders::offender* offenders::look_up(const uuid& id) const {
  const auto found = known_.find(id);
  return found == known_.end() ? nullptr : &found->second;
}

} // namespace troupe
