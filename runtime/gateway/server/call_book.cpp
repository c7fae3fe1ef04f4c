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

void call_book::open(const uuid& id, std::uint64_t content) {
  const auto [known, is_new] = calls_.try_emplace(id, call{content});
  if (is_new) {
    return;
  }
  // Whoever was told to come again finds the next answer.
  known->second.answer.reset();
  const auto old =
      std::find_if(kept_.begin(), kept_.end(), [&](const auto& each) { return each.id == id; });
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
    loop_.post_after(*hold, [this, id, number = last_waiter_] { give_up_waiting(id, number); });
  }
}

void call_book::give_up_waiting(const uuid& id, std::uint64_t number) {
  const auto known = calls_.find(id);
  if (known == calls_.end()) {
    return;
  }
  auto& waiting = known->second.waiting;
  const auto who = std::find_if(
      waiting.begin(), waiting.end(), [&](const waiter& each) { return each.number == number; });
  if (who == waiting.end()) {
    return;
  }
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
