#include "runtime/broker/calls/callers.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace troupe::broker {

void callers::add(std::uint32_t index, const waiter& whom) {
  call& wanted = calls_[index];
  const auto same =
      std::find_if(wanted.waiters.begin(), wanted.waiters.end(), [&](const waiter& each) {
        return each.to == whom.to;
      });
  if (same != wanted.waiters.end()) {
    same->deadline = std::max(same->deadline, whom.deadline);
  } else {
    wanted.waiters.push_back(whom);
  }
  timers_.set(index, wanted.earliest_deadline());
}

void callers::refuse(origin to, const uuid& id, error why, decisions& out) {
  ++counts_.refused;
  out.actions.emplace_back(broker::refuse{to, id, static_cast<std::uint32_t>(out.errors.size())});
  out.errors.push_back(std::move(why));
}

void callers::end(std::uint32_t index, const error& why, decisions& out) {
  const call& ended = calls_[index];
  for (const waiter& each : ended.waiters) {
    refuse(each.to, ended.id, why, out);
  }
  timers_.clear(index);
  calls_.remove(index);
}

void callers::answer_all(
    std::uint32_t index, std::string_view header, std::string_view body, decisions& out) {
  call& answered = calls_[index];
  for (const waiter& each : answered.waiters) {
    ++counts_.answered;
    out.actions.emplace_back(answer{each.to, header, body});
  }
  answered.waiters.clear();
  timers_.clear(index);
}

bool callers::expire(std::uint32_t index, instant now, decisions& out) {
  call& late = calls_[index];
  const std::string& name = nodes_.capabilities[late.capability].name;
  const auto is_late = [&](const waiter& each) {
    if (each.deadline > now) {
      return false;
    }
    ++counts_.expired;
    error why{
        .code = errc::deadline_exceeded,
        .possible = effect::none,
        .message = fmt::format("no worker of `{}` was free in time", name)};
    if (late.was_delivered) {
      why.possible = effect::unknown;
      why.message = fmt::format("`{}` did not answer in time; ask again with the same id", name);
    }
    refuse(each.to, late.id, std::move(why), out);
    return true;
  };
  late.waiters.erase(
      std::remove_if(late.waiters.begin(), late.waiters.end(), is_late), late.waiters.end());
  if (late.waiters.empty()) {
    timers_.clear(index);
    return true;
  }
  timers_.set(index, late.earliest_deadline());
  return false;
}

} // namespace troupe::broker
