#include "runtime/broker/calls/deadline_wheel.hpp"

#include <algorithm>

namespace troupe::broker {

namespace {

constexpr auto tick_length = std::chrono::duration_cast<instant::duration>(deadline_wheel::tick);

std::uint64_t tick_before(instant when) {
  return static_cast<std::uint64_t>(when.time_since_epoch() / tick_length);
}

std::uint64_t tick_after(instant when) {
  return static_cast<std::uint64_t>(
      (when.time_since_epoch() + tick_length - instant::duration{1}) / tick_length);
}

} // namespace

deadline_wheel::deadline_wheel(held_calls& calls) : calls_{calls} {
  heads_.fill(nowhere);
}

void deadline_wheel::set(std::uint32_t index, instant when) {
  call& timed = calls_[index];
  if (timed.wheel_place != nowhere) {
    cancel(index);
  }
  // A place that was collected already would be looked at only a turn later.
  timed.due_tick = std::max(tick_after(when), started_ ? done_ + 1 : 0);
  timed.wheel_place = static_cast<std::uint32_t>(timed.due_tick % places);
  timed.wheel_previous = nowhere;
  timed.wheel_next = heads_[timed.wheel_place];
  if (timed.wheel_next != nowhere) {
    calls_[timed.wheel_next].wheel_previous = index;
  }
  heads_[timed.wheel_place] = index;
  ++size_;
}

void deadline_wheel::cancel(std::uint32_t index) {
  call& timed = calls_[index];
  if (timed.wheel_place == nowhere) {
    return;
  }
  if (timed.wheel_previous == nowhere) {
    heads_[timed.wheel_place] = timed.wheel_next;
  } else {
    calls_[timed.wheel_previous].wheel_next = timed.wheel_next;
  }
  if (timed.wheel_next != nowhere) {
    calls_[timed.wheel_next].wheel_previous = timed.wheel_previous;
  }
  timed.wheel_place = nowhere;
  timed.wheel_previous = nowhere;
  timed.wheel_next = nowhere;
  --size_;
}

void deadline_wheel::collect(instant now, std::vector<std::uint32_t>& due) {
  const std::uint64_t last = tick_before(now);
  if (started_ && last <= done_) {
    return;
  }
  // After a first or long gap every place is looked at once.
  const std::uint64_t steps = started_ ? std::min<std::uint64_t>(last - done_, places) : places;
  started_ = true;
  done_ = last;
  if (size_ == 0) {
    return;
  }
  for (std::uint64_t i = 0; i < steps; ++i) {
    collect_place(static_cast<std::uint32_t>((last - i) % places), due);
  }
}

void deadline_wheel::collect_place(std::uint32_t place, std::vector<std::uint32_t>& due) {
  for (std::uint32_t index = heads_[place]; index != nowhere;) {
    const std::uint32_t next = calls_[index].wheel_next;
    if (calls_[index].due_tick <= done_) {
      cancel(index);
      due.push_back(index);
    }
    index = next;
  }
}

} // namespace troupe::broker
