#include "runtime/saga/troubles.hpp"

#include "runtime/backoff.hpp"

#include <utility>

namespace troupe::saga {

namespace {

constexpr milliseconds wait_first{200};
constexpr milliseconds wait_max{60'000};

} // namespace

bool troubles::leave_alone(const uuid& saga, trouble why) {
  const auto known = of_.find(saga);
  if (known != of_.end() && known->second.failures == 0 && known->second.epoch == why.epoch) {
    return false;
  }
  taken_up(saga);
  of_.insert_or_assign(saga, std::move(why));
  return true;
}

void troubles::failed(const uuid& saga, trouble why, wall_time since, instant now) {
  taken_up(saga);
  trouble& its = of_.try_emplace(saga, trouble{.reason = {}, .since = since}).first.value();
  its.reason = std::move(why.reason);
  its.trace = std::move(why.trace);
  ++its.failures;
  its.again_at = now + backoff_after(its.failures, wait_first, wait_max);
  waiting_.emplace(its.again_at, saga);
}

void troubles::taken_up(const uuid& saga) {
  if (const trouble* its = find(saga)) {
    waiting_.erase({its->again_at, saga});
  }
}

void troubles::forget(const uuid& saga) {
  taken_up(saga);
  of_.erase(saga);
}

void troubles::clear() {
  of_.clear();
  waiting_.clear();
}

const trouble* troubles::find(const uuid& saga) const {
  const auto found = of_.find(saga);
  return found == of_.end() ? nullptr : &found->second;
}

bool troubles::may_go_on(const uuid& saga, std::int64_t epoch, instant now) const {
  const trouble* its = find(saga);
  return its == nullptr || its->again_at <= now || (its->failures == 0 && its->epoch != epoch);
}

std::vector<uuid> troubles::left_alone() const {
  std::vector<uuid> found;
  for (const auto& [saga, its] : of_) {
    if (its.failures == 0) {
      found.push_back(saga);
    }
  }
  return found;
}

std::vector<uuid> troubles::due(instant now) const {
  std::vector<uuid> found;
  for (const auto& [at, saga] : waiting_) {
    if (at > now || found.size() == due_max) {
      break;
    }
    found.push_back(saga);
  }
  return found;
}

} // namespace troupe::saga
