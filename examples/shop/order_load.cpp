#include "examples/shop/order_load.hpp"

#include "actors/order_saga/messages.hpp"

#include <algorithm>

namespace troupe::shop {

namespace {

constexpr milliseconds pause_before_asking_again{100};
// The longest wait, and the longest delay of a paced order.
constexpr milliseconds wait_max{50};

/// Why an order was refused, as a word; "" if the error is not final.
std::string_view reason_of(const error& why) {
  switch (why.code) {
  case errc::rejected:
  case errc::invalid:
  case errc::conflict:
  case errc::forbidden: {
    const std::string_view reason = why.detail("reason");
    return reason.empty() ? name_of(why.code) : reason;
  }
  default:
    return why.is_final ? name_of(why.code) : "";
  }
}

} // namespace

order_load::order_load(
    client::client& with,
    const clock& time,
    const std::vector<wish>& wishes,
    const load_options& options,
    order_log& log)
    : client_{with}, time_{time}, wishes_{wishes}, options_{options}, log_{log},
      slots_(options.outstanding), orders_{options.orders} {
  for (std::size_t slot = slots_.size(); slot > 0; --slot) {
    free_.push_back(slot - 1);
  }
}

outcome<load_result> order_load::run(const std::function<bool(const load_result&)>& progress) {
  result_.began = last_answer_ = time_.now();
  instant tell_at = result_.began + options_.progress_interval;
  std::vector<client::completion> ended;
  while (!is_finished()) {
    instant now = time_.now();
    gather(now);
    TROUPE_CHECK(send(now));
    client_.completions(ended, patience(now));
    now = time_.now();
    for (const client::completion& each : ended) {
      take(each, now);
    }
    if (now >= tell_at) {
      tell_at = now + options_.progress_interval;
      if (!progress(result_)) {
        orders_ = begun_;
      }
    }
  }
  result_.ended = time_.now();
  if (!log_.flush()) {
    return failure{error{.code = errc::unavailable, .message = "the log cannot be written"}};
  }
  return std::move(result_);
}

instant order_load::time_of_next_new() const {
  if (options_.rate <= 0) {
    return result_.began;
  }
  const std::chrono::duration<double> since{static_cast<double>(begun_) / options_.rate};
  return result_.began + std::chrono::duration_cast<instant::duration>(since);
}

void order_load::gather(instant now) {
  while (!again_.empty() && again_.top().at <= now) {
    to_send_.push_back(again_.top().slot);
    again_.pop();
  }
  take_up_new(now);
}

void order_load::take_up_new(instant now) {
  while (!free_.empty() && begun_ < orders_ && time_of_next_new() <= now) {
    const std::size_t slot = free_.back();
    free_.pop_back();
    slots_[slot] = {
        .id = ids_.next(time_.wall()),
        .wish = static_cast<std::size_t>(begun_ % wishes_.size()),
        .first_asked = now};
    ++begun_;
    to_send_.push_back(slot);
  }
}

outcome<void> order_load::send(instant now) {
  requests_.clear();
  for (const std::size_t slot : to_send_) {
    order& each = slots_[slot];
    const wish& wanted = wishes_[each.wish];
    ++each.calls;
    ++result_.calls;
    log_.asked(each.id, wanted.line, now);
    requests_.push_back(
        {.capability = "order_saga",
         .operation = "place",
         .body = wanted.body,
         .deadline = options_.deadline,
         .id = each.id,
         .token = slot,
         .retry = true});
  }
  if (!log_.flush()) {
    return failure{error{.code = errc::unavailable, .message = "the log cannot be written"}};
  }
  error why;
  const std::size_t taken = client_.submit(requests_, nullptr, &why);
  for (std::size_t i = taken; i < to_send_.size(); ++i) {
    take_error(to_send_[i], why, now);
  }
  to_send_.clear();
  return {};
}

milliseconds order_load::patience(instant now) const {
  instant until = now + wait_max;
  if (!again_.empty()) {
    until = std::min(until, again_.top().at);
  }
  if (!free_.empty() && begun_ < orders_) {
    until = std::min(until, time_of_next_new());
  }
  return std::max(std::chrono::ceil<milliseconds>(until - now), milliseconds{0});
}

void order_load::take(const client::completion& ended, instant now) {
  const auto slot = static_cast<std::size_t>(ended.token);
  if (!ended.answer) {
    take_error(slot, ended.answer.error(), now);
    return;
  }
  const auto placed = wire::checked_decode<order_saga::order_placed>(ended.answer->bytes);
  if (!placed) {
    error why = placed.error();
    why.possible = effect::unknown;
    take_error(slot, why, now);
    return;
  }
  log_.placed(slots_[slot].id, placed->order_id, placed->total_cents, now);
  ++result_.placed;
  answered(slot, now);
}

void order_load::take_error(std::size_t slot, const error& why, instant now) {
  const order& which = slots_[slot];
  const std::string_view reason = why.possible == effect::none ? reason_of(why) : "";
  log_.failed(which.id, why, reason, now);
  if (!reason.empty()) {
    ++result_.rejected[std::string{reason}];
    answered(slot, now);
    return;
  }
  ++result_.failed_calls[std::string{name_of(why.code)}];
  const milliseconds pause =
      std::max(pause_before_asking_again, why.retry_after.value_or(pause_before_asking_again));
  if (now + pause - which.first_asked < options_.patience) {
    again_.push({now + pause, slot});
    return;
  }
  ++result_.unanswered;
  free(slot);
}

void order_load::answered(std::size_t slot, instant now) {
  using std::chrono::duration_cast;
  using std::chrono::microseconds;
  result_.latencies.push_back(duration_cast<microseconds>(now - slots_[slot].first_asked));
  if (const auto gap = duration_cast<microseconds>(now - last_answer_); gap > result_.longest_gap) {
    result_.longest_gap = gap;
    result_.longest_gap_from = last_answer_;
  }
  last_answer_ = now;
  free(slot);
}

void order_load::free(std::size_t slot) {
  ++finished_;
  free_.push_back(slot);
}

} // namespace troupe::shop
