#include "runtime/saga/troubles.hpp"

#include "runtime/backoff.hpp"

#include <algorithm>
#include <utility>

namespace troupe::saga {

namespace {

constexpr milliseconds wait_first{200};
constexpr milliseconds wait_max{60'000};

} // namespace

bool troubles::leave_alone(const uuid& saga, std::string reason, wall_time since) {
  const auto known = of_.find(saga);
  if (known != of_.end() && known->second.failures == 0) {
    return false;
  }
  const bool was_due = known != of_.end();
  of_.insert_or_assign(saga, trouble{.reason = std::move(reason), .since = since});
  if (was_due) {
    note_next_due();
  }
  return true;
}

void troubles::failed(const uuid& saga, std::string reason, wall_time since, instant now) {
  trouble& its = of_.try_emplace(saga, trouble{.reason = {}, .since = since}).first.value();
  its.reason = std::move(reason);
  ++its.failures;
  its.again_at = now + backoff_after(its.failures, wait_first, wait_max);
  note_next_due();
}

void troubles::forget(const uuid& saga) {
  if (of_.erase(saga) != 0) {
    note_next_due();
  }
}

void troubles::clear() {
  of_.clear();
  next_due_ = instant::max();
}

const trouble* troubles::find(const uuid& saga) const {
  const auto found = of_.find(saga);
  return found == of_.end() ? nullptr : &found->second;
}

bool troubles::may_go_on(const uuid& saga, instant now) const {
  const trouble* its = find(saga);
  return its == nullptr || its->again_at <= now;
}

std::vector<uuid> troubles::due(instant now) const {
  std::vector<uuid> found;
  for (const auto& [saga, its] : of_) {
    if (its.again_at <= now) {
      found.push_back(saga);
    }
  }
  return found;
}

void troubles::note_next_due() {
  next_due_ = instant::max();
  for (const auto& [saga, its] : of_) {
    next_due_ = std::min(next_due_, its.again_at);
  }
}

} // namespace troupe::saga
