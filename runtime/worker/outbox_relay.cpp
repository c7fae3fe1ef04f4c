#include "runtime/worker/outbox_relay.hpp"

#include <algorithm>

namespace troupe {

namespace {

// A broker that works confirms with its next flush, which is far sooner.
constexpr milliseconds stands_still_after{1'000};

} // namespace

void outbox_relay::joined(std::uint64_t newest, instant now) {
  // An outbox that never had an event has nothing to compare, and once in a login is enough.
  if (newest == 0) {
    state_ = state::up;
  } else if (state_ != state::up) {
    state_ = state::announced;
  }
  newest_ = std::max(newest_, newest);
  base_ = newest_;
  is_base_known_ = false;
  waiting_.clear(); // The broker asks for what it misses.
  progress_at_ = now;
}

void outbox_relay::left() {
  state_ = state::down;
  waiting_.clear();
}

std::uint64_t outbox_relay::committed(std::uint64_t first, std::uint64_t count) {
  newest_ = std::max(newest_, first + count - 1);
  if (!is_up() || count == 0) {
    return 0;
  }
  const std::uint64_t limit = base_ + window;
  // Events leave behind those that wait, so that all arrive in order.
  const std::uint64_t now = state_ != state::up || !waiting_.empty() || first > limit
                                ? 0
                                : std::min(count, limit - first + 1);
  if (now < count) {
    add_waiting({first + now, first + count - 1});
  }
  return now;
}

void outbox_relay::noticed(std::uint64_t newest, instant now) {
  if (newest_ <= confirmed_) {
    progress_at_ = now; // Whatever is new begins to wait.
  }
  newest_ = std::max(newest_, newest);
}

void outbox_relay::confirmed(std::uint64_t up_to, instant now) {
  if (state_ == state::announced) {
    state_ = state::up;
  }
  if (up_to > confirmed_) {
    confirmed_ = up_to;
    progress_at_ = now;
  }
  base_ = is_base_known_ ? std::max(base_, up_to) : up_to;
  is_base_known_ = true;
}

void outbox_relay::refused() {
  state_ = state::refused;
  waiting_.clear();
}

void outbox_relay::resend(range what) {
  if (!is_up() || what.first == 0 || what.last < what.first) {
    return;
  }
  // The broker has all events before: it asks for the first gap first.
  base_ = is_base_known_ ? std::max(base_, what.first - 1) : what.first - 1;
  is_base_known_ = true;
  what.last = std::min(what.last, std::max(newest_, what.first));
  add_waiting(what);
}

std::optional<outbox_relay::range> outbox_relay::to_read(std::uint64_t rows_max) const {
  if (state_ != state::up || waiting_.empty()) {
    return std::nullopt;
  }
  const range& next = waiting_.front();
  const std::uint64_t limit = base_ + window;
  if (next.first > limit || rows_max == 0) {
    return std::nullopt;
  }
  return range{next.first, std::min({next.last, limit, next.first + rows_max - 1})};
}

void outbox_relay::sent(std::uint64_t up_to) {
  while (!waiting_.empty() && waiting_.front().last <= up_to) {
    waiting_.pop_front();
  }
  if (!waiting_.empty()) {
    waiting_.front().first = std::max(waiting_.front().first, up_to + 1);
  }
}

bool outbox_relay::is_stalled(instant now) const {
  return is_up() && newest_ > confirmed_ && now - progress_at_ > stands_still_after;
}

/// Adds a range and joins ranges that touch. Events of other processes between two ranges may leave
/// twice. The list stays short, since events are committed in order.
void outbox_relay::add_waiting(range what) {
  auto at = std::ranges::find_if(
      waiting_, [&](const range& each) { return each.last + 1 >= what.first; });
  while (at != waiting_.end() && at->first <= what.last + 1) {
    what = {std::min(what.first, at->first), std::max(what.last, at->last)};
    at = waiting_.erase(at);
  }
  waiting_.insert(at, what);
  constexpr std::size_t ranges_max = 1'024;
  if (waiting_.size() > ranges_max) {
    waiting_.front() = {waiting_[0].first, waiting_[1].last};
    waiting_.erase(waiting_.begin() + 1);
  }
}

} // namespace troupe
