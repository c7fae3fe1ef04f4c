#include "examples/cluster/news_load.hpp"

#include "runtime/wire/journal_calls.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace troupe::cluster {

namespace {

constexpr milliseconds pause_before_asking_again{20};
constexpr milliseconds wait_max{20};
constexpr milliseconds ask_interval{100};

struct news {
  std::uint64_t number = 0;
};

TROUPE_MESSAGE(news, number)

} // namespace

news_load::news_load(
    client::client& with, const clock& time, const news_options& options, std::FILE& log)
    : client_{with}, time_{time}, options_{options}, log_{log}, slots_(options.outstanding) {
  for (std::size_t slot = slots_.size(); slot > 0; --slot) {
    free_.push_back(slot - 1);
  }
}

news_result news_load::run(const std::function<bool(const news_result&)>& goes_on) {
  instant now = time_.now();
  next_ = confirmed_at_ = now;
  instant ask_at = now + ask_interval;
  instant until = instant::max();
  std::vector<client::completion> ended;
  while (now < until && !(is_ending_ && result_.unconfirmed() == 0)) {
    begin_new(now);
    publish_due(now);
    client_.completions(ended, patience(now));
    now = time_.now();
    for (const client::completion& each : ended) {
      take(each, now);
    }
    if (now >= ask_at) {
      ask_at = now + ask_interval;
      std::fflush(&log_);
      if (!goes_on(result_) && !is_ending_) {
        is_ending_ = true;
        until = now + options_.patience;
      }
    }
  }
  std::fflush(&log_);
  return std::move(result_);
}

void news_load::begin_new(instant now) {
  const auto interval = std::chrono::duration_cast<instant::duration>(
      std::chrono::duration<double>{1 / options_.rate});
  while (!is_ending_ && !free_.empty() && next_ <= now) {
    const std::size_t slot = free_.back();
    free_.pop_back();
    slots_[slot] = {ids_.next(time_.wall()), ++result_.begun};
    due_.push({now, slot});
    next_ =
        // Events that could not be started in time are not made up for.
        std::max(next_ + interval, now - interval);
  }
}

void news_load::publish_due(instant now) {
  while (!due_.empty() && due_.top().at <= now) {
    const std::size_t slot = due_.top().slot;
    due_.pop();
    publish(slot, now);
  }
}

void news_load::publish(std::size_t slot, instant now) {
  const event& what = slots_[slot];
  const std::string body = wire::encoded(news{what.number});
  const std::string key = fmt::format("k{}", what.number % 8);
  const auto sent = client_.submit(
      {.capability = "troupe.publish",
       .operation = options_.topic,
       .body = body,
       .key = key,
       .deadline = options_.deadline,
       .id = what.id,
       .token = slot,
       .retry = true});
  if (!sent) {
    take_error(slot, sent.error(), now);
  }
}

milliseconds news_load::patience(instant now) const {
  instant until = now + wait_max;
  if (!due_.empty()) {
    until = std::min(until, due_.top().at);
  }
  if (!is_ending_ && !free_.empty()) {
    until = std::min(until, next_);
  }
  return std::max(std::chrono::ceil<milliseconds>(until - now), milliseconds{0});
}

void news_load::take(const client::completion& ended, instant now) {
  const auto slot = static_cast<std::size_t>(ended.token);
  if (!ended.answer) {
    return take_error(slot, ended.answer.error(), now);
  }
  const auto said = wire::checked_decode<wire::published>(ended.answer->bytes);
  if (!said) {
    return take_error(slot, said.error(), now);
  }
  result_.repeats += said->repeat ? 1 : 0;
  confirmed(slot, said->position, now);
}

void news_load::take_error(std::size_t slot, const error& why, instant now) {
  ++result_.failed_calls[std::string{name_of(why.code)}];
  const milliseconds pause =
      std::max(pause_before_asking_again, why.retry_after.value_or(pause_before_asking_again));
  due_.push({now + pause, slot});
}

void news_load::confirmed(std::size_t slot, std::uint64_t position, instant now) {
  using std::chrono::duration_cast;
  using std::chrono::microseconds;
  ++result_.confirmed;
  result_.longest_gap =
      std::max(result_.longest_gap, duration_cast<microseconds>(now - confirmed_at_));
  confirmed_at_ = now;
  fmt::print(
      &log_,
      R"({{"id":"{}","position":{},"t_mono_us":{}}})"
      "\n",
      to_string(slots_[slot].id),
      position,
      duration_cast<microseconds>(now.time_since_epoch()).count());
  free_.push_back(slot);
}

} // namespace troupe::cluster
