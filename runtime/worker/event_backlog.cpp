#include "runtime/worker/event_backlog.hpp"

#include <algorithm>
#include <utility>

namespace troupe {

namespace {

// A full disk does not empty in a microsecond.
constexpr milliseconds held_for{200};

} // namespace

bool event_backlog::is_for(const item& each) {
  return each.what == item::kind::event || each.what == item::kind::assignment
         || each.what == item::kind::dead_letters;
}

void event_backlog::keep_only(std::uint32_t login) {
  if (items_.empty() || items_.back().login == login) {
    return;
  }
  const auto events = std::ranges::count(items_, item::kind::event, &item::what);
  out_.events_ended(events);
  group_.counters().events_of_others.fetch_add(
      static_cast<std::uint64_t>(events), std::memory_order_relaxed);
  items_.clear();
}

void event_backlog::add(item&& one) {
  keep_only(one.login);
  items_.push_back(std::move(one));
  if (!std::exchange(is_alarm_set_, true)) {
    item again{.what = item::kind::events_again};
    again.partition = queue_;
    out_.queue_again(held_for, std::move(again));
  }
}

void event_backlog::ring() {
  is_alarm_set_ = false;
  is_due_ = true;
}

void event_backlog::move_due(hand& into) {
  if (std::exchange(is_due_, false)) {
    into.put_back(items_);
  }
}

} // namespace troupe
