#include "runtime/worker/saga_timers.hpp"

namespace troupe {

void saga_timers::take(group& of, const outbound& turn, instant now) {
  if (turn.all_stopped) {
    stop(of, nullptr);
  }
  for (const uuid& each : turn.stopped) {
    stop(of, &each);
  }
  for (const saga::outgoing::timer& each : turn.timers) {
    set({&of, each.saga, each.slot}, {now + each.delay, each.token});
  }
}

void saga_timers::push_due(instant now) {
  while (!in_order_.empty() && in_order_.begin()->first <= now) {
    const auto found = set_.find(in_order_.begin()->second);
    item due{.what = item::kind::saga_timer};
    due.saga = std::get<uuid>(found->first);
    due.token = found->second.token;
    std::get<group*>(found->first)->queues().push_internal(std::move(due));
    in_order_.erase(in_order_.begin());
    set_.erase(found);
  }
}

void saga_timers::set(const name& which, const timer& to) {
  const auto [found, is_new] = set_.try_emplace(which, to);
  if (!is_new) {
    in_order_.erase({found->second.due, which});
    found->second = to;
  }
  in_order_.emplace(to.due, which);
}

void saga_timers::stop(group& of, const uuid* saga) {
  auto at = set_.lower_bound({&of, saga == nullptr ? uuid{} : *saga, 0});
  while (at != set_.end() && std::get<group*>(at->first) == &of
         && (saga == nullptr || std::get<uuid>(at->first) == *saga)) {
    in_order_.erase({at->second.due, at->first});
    at = set_.erase(at);
  }
}

} // namespace troupe
