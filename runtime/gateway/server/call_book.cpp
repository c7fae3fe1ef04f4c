#include "runtime/gateway/server/call_book.hpp"

#include "runtime/wire/json.hpp"

#include <algorithm>
#include <utility>

namespace troupe::gateway {

namespace {

/// @source RFC 7240, 4.1 and RFC 9110, 15.3.3.
http::response come_again(const uuid& id) {
  http::response answer = http::with_body(
      202, "application/json", wire::json_object{}.add("call_id", to_string(id)).text() + '\n');
  answer.fields.emplace_back("Location", path_of_call(id));
  answer.fields.emplace_back("Preference-Applied", "respond-async");
  answer.fields.emplace_back("Retry-After", "1");
  return answer;
}

} // namespace

std::string path_of_call(const uuid& id) {
  return "/calls/" + to_string(id);
}

void call_book::open(const uuid& id, std::uint64_t content, const std::string& service) {
  const auto [known, is_new] = calls_.try_emplace(id, call{content, service});
  if (is_new) {
    return;
  }
  // The call runs again: clients that poll get the next answer.
  known->second.answer.reset();
  const auto old = std::ranges::find_if(kept_, [&](const auto& each) { return each.id == id; });
  if (old != kept_.end()) {
    kept_bytes_ -= old->bytes;
    kept_.erase(old);
  }
}

void call_book::wait(const uuid& id, http::responder answers, std::optional<milliseconds> hold) {
  call& known = calls_.at(id);
  if (known.answer) {
    answers.respond(*known.answer);
    return;
  }
  known.waiting.push_back({++last_waiter_, std::move(answers)});
  if (hold && *hold <= milliseconds{0}) {
    give_up_waiting(id, last_waiter_);
  } else if (hold) {
    known.waiting.back().until = time_.now() + *hold;
    holds_.emplace(std::pair{known.waiting.back().until, last_waiter_}, id);
    set_alarm();
  }
}

void call_book::set_alarm() {
  if (holds_.empty()) {
    return;
  }
  const instant now = time_.now();
  const instant next = std::min(holds_.begin()->first.first, now + look_interval);
  if (next >= alarm_at_) {
    return;
  }
  alarm_at_ = next;
  loop_.post_after(std::chrono::ceil<milliseconds>(next - now), [this, next] {
    if (next == alarm_at_) {
      end_holds();
    }
  });
}

void call_book::end_holds() {
  alarm_at_ = instant::max();
  while (!holds_.empty() && holds_.begin()->first.first <= time_.now()) {
    const auto [when, id] = *holds_.begin();
    holds_.erase(holds_.begin());
    give_up_waiting(id, when.second);
  }
  set_alarm();
}

void call_book::give_up_waiting(const uuid& id, std::uint64_t number) {
  const auto known = calls_.find(id);
  if (known == calls_.end()) {
    return;
  }
  auto& waiting = known->second.waiting;
  const auto who = std::ranges::lower_bound(waiting, number, {}, &waiter::number);
  if (who == waiting.end() || who->number != number) {
    return;
  }
  holds_.erase({who->until, number});
  who->answers.respond(come_again(id));
  waiting.erase(who);
  known->second.is_kept = true;
}

void call_book::end(const uuid& id, http::response answer) {
  const auto known = calls_.find(id);
  if (known == calls_.end()) {
    return;
  }
  for (const waiter& each : std::exchange(known->second.waiting, {})) {
    holds_.erase({each.until, each.number});
    each.answers.respond(answer);
  }
  if (!known->second.is_kept) {
    calls_.erase(known);
    return;
  }
  kept_.push_back({id, time_.now(), answer.body.size()});
  kept_bytes_ += answer.body.size();
  known->second.answer = std::move(answer);
  forget_old();
}

void call_book::forget_old() {
  const instant oldest = time_.now() - kept_for;
  while (
      !kept_.empty()
      && (kept_.front().at < oldest || kept_.size() > kept_max || kept_bytes_ > kept_bytes_max)) {
    calls_.erase(kept_.front().id);
    kept_bytes_ -= kept_.front().bytes;
    kept_.pop_front();
  }
}

} // namespace troupe::gateway
