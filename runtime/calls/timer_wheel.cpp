#include "runtime/calls/timer_wheel.hpp"

#include <algorithm>
#include <bit>

namespace troupe::calls {

namespace {

constexpr auto tick_length = std::chrono::milliseconds{1};

} // namespace

timer_wheel::timer_wheel(instant now) : start_{now} {
  heads_.fill(none);
}

std::uint64_t timer_wheel::tick_at_or_after(instant when) const {
  // A bucket that was passed is not visited: the timer would wait for the next round.
  if (when <= start_) {
    return tick_ + 1;
  }
  const auto ticks =
      static_cast<std::uint64_t>(std::chrono::ceil<milliseconds>(when - start_) / tick_length);
  return std::max(ticks, tick_ + 1);
}

void timer_wheel::mark(std::size_t bucket) {
  filled_[bucket / 64] |= std::uint64_t{1} << bucket % 64;
  filled_words_ |= std::uint64_t{1} << bucket / 64;
}

void timer_wheel::unmark(std::size_t bucket) {
  std::uint64_t& word = filled_[bucket / 64];
  word &= ~(std::uint64_t{1} << bucket % 64);
  if (word == 0) {
    filled_words_ &= ~(std::uint64_t{1} << bucket / 64);
  }
}

void timer_wheel::set(std::uint32_t index, instant due) {
  if (index >= timers_.size()) {
    timers_.resize(index + std::size_t{1});
  }
  clear(index);
  const std::uint64_t tick = tick_at_or_after(due);
  const std::size_t bucket = tick % bucket_count;
  std::uint32_t& head = heads_[bucket];
  if (head == none) {
    mark(bucket);
  } else {
    timers_[head].previous = index;
  }
  timers_[index] = {tick, head, none};
  head = index;
  ++count_;
}

void timer_wheel::clear(std::uint32_t index) {
  if (index >= timers_.size() || timers_[index].tick == 0) {
    return;
  }
  timer& old = timers_[index];
  if (old.next != none) {
    timers_[old.next].previous = old.previous;
  }
  if (old.previous != none) {
    timers_[old.previous].next = old.next;
  } else {
    const std::size_t bucket = old.tick % bucket_count;
    heads_[bucket] = old.next;
    if (old.next == none) {
      unmark(bucket);
    }
  }
  old.tick = 0;
  --count_;
}

void timer_wheel::take_bucket(
    std::size_t bucket, std::uint64_t tick, std::vector<std::uint32_t>& into) {
  for (std::uint32_t index = heads_[bucket]; index != none;) {
    const timer each = timers_[index];
    if (each.tick <= tick) {
      clear(index);
      into.push_back(index);
    }
    index = each.next;
  }
}

void timer_wheel::take_due(instant now, std::vector<std::uint32_t>& into) {
  if (now <= start_) {
    return;
  }
  const auto tick =
      static_cast<std::uint64_t>(std::chrono::floor<milliseconds>(now - start_) / tick_length);
  if (tick <= tick_) {
    return;
  }
  const std::uint64_t first = tick_ + 1;
  tick_ = tick;
  if (count_ == 0) {
    return;
  }
  // After a whole round every bucket has been visited.
  const std::uint64_t steps = std::min<std::uint64_t>(tick - first + 1, bucket_count);
  for (std::uint64_t i = 0; i < steps; ++i) {
    const std::size_t bucket = (first + i) % bucket_count;
    if (heads_[bucket] != none) {
      take_bucket(bucket, tick, into);
    }
  }
}

instant timer_wheel::next_due() const {
  if (count_ == 0) {
    return instant::max();
  }
  const std::size_t from = (tick_ + 1) % bucket_count;
  const std::size_t word = from / 64;
  std::size_t found = 0;
  if (const std::uint64_t rest = filled_[word] >> from % 64; rest != 0) {
    found = from + static_cast<std::size_t>(std::countr_zero(rest));
  } else {
    // The words after this one in order of time; this word itself comes last, a round later.
    const int ahead = std::countr_zero(std::rotr(filled_words_, static_cast<int>(word + 1) % 64));
    const std::size_t next = (word + 1 + static_cast<std::size_t>(ahead)) % 64;
    found = next * 64 + static_cast<std::size_t>(std::countr_zero(filled_[next]));
  }
  const std::uint64_t tick = tick_ + 1 + (found + bucket_count - from) % bucket_count;
  return start_ + tick * tick_length;
}

} // namespace troupe::calls
