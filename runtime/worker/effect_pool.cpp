#include "runtime/worker/effect_pool.hpp"

#include "runtime/backoff.hpp"
#include "runtime/fault_point.hpp"
#include "runtime/observe/trace_context.hpp"
#include "runtime/thrown.hpp"
#include "runtime/wire/envelope.hpp"
#include "runtime/worker/write.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <iterator>
#include <utility>

namespace troupe {

namespace {

constexpr milliseconds backoff_first{40};
constexpr milliseconds backoff_max{5'000};
// Threads of one pool, those that hang included, as a multiple of the ones that are to work.
constexpr int lanes_max_factor = 4;

/// A throw is a failure like any other: the outside may or may not have been reached.
outcome<std::string>
run_effect(const actor& instance, const store::effect_row& row, const effect_call& call) {
  const handlers::effect* handler = instance.find_effect(row.name);
  if (handler == nullptr) {
    return failure{internal_error(
        fmt::format("no effect `{}` in this program; it waits for one that has it", row.name))};
  }
  try {
    TROUPE_FAULT("effect.before_run");
    auto result = handler->run(row.request, call);
    TROUPE_FAULT("effect.after_run");
    return result;
  } catch (...) {
    return failure{
        error{.code = errc::crashed, .possible = effect::unknown, .message = what_was_thrown()}};
  }
}

/// @param has_begun whether its handler was called.
void log_failure(
    group& of, const store::effect_row& row, int attempt, const error& why, bool has_begun) {
  of.parts().log.write(
      has_begun ? "effect.failed" : "effect.not_started",
      {{"capability", of.name()},
       {"effect", row.name},
       {"key", to_string(row.key)},
       {"call", to_string(row.call)},
       {"attempt", fmt::to_string(attempt)},
       {"reason", why.message},
       {"trace", observe::hex_of(observe::trace_of(row.trace, row.call))}});
}

} // namespace

item result_of(const uuid& key, store::unsettled_result result) {
  item answer{
      .what = item::kind::effect_done,
      .failed = result.failed,
      .attempt = result.attempts + 1,
      .id = key};
  answer.own_body(std::move(result.bytes));
  return answer;
}

effect_pool::effect_pool(group& of, std::function<std::unique_ptr<actor>()> make)
    : group_{of}, breaker_{of}, make_{std::move(make)}, spans_{of} {
  const std::lock_guard lock{mutex_};
  for (int i = 0; i < of.options().effect_threads; ++i) {
    add_lane();
  }
}

void effect_pool::add_lane() {
  lane& added = lanes_.emplace_back();
  ++lanes_alive_;
  added.thread = std::jthread{[this, &added] { run(added); }};
}

effect_pool::~effect_pool() {
  {
    const std::lock_guard lock{mutex_};
    phase_ = phase::stopped;
  }
  changed_.notify_all();
}

bool effect_pool::has_room() const {
  const std::lock_guard lock{mutex_};
  return known_.size() < static_cast<std::size_t>(group_.options().effect_queue);
}

void effect_pool::submit(std::vector<store::effect_row>& rows) {
  if (rows.empty()) {
    return;
  }
  std::size_t woken = 0;
  {
    const std::lock_guard lock{mutex_};
    for (store::effect_row& row : rows) {
      const auto [is_new, was_owned] = known_.take(row.key, row.call);
      // An effect that another process owned meanwhile may have a kept result that is newer than
      // the one that waits here, which is dropped then.
      if (!is_new && (was_owned || !row.unsettled)) {
        continue;
      }
      if (row.unsettled) {
        group_.queues().push_internal(result_of(row.key, *std::move(row.unsettled)));
      } else {
        ready_.push_back({std::move(row)});
        ++woken;
      }
    }
    woken = std::min(woken, idle_); // Threads that run look again before they wait.
  }
  for (; woken != 0; --woken) {
    changed_.notify_one();
  }
  rows.clear();
}

std::int64_t effect_pool::settled(const uuid& key) {
  const std::lock_guard lock{mutex_};
  return known_.settled(key);
}

void effect_pool::put_off(const uuid& key) {
  const std::lock_guard lock{mutex_};
  known_.put_off(key);
}

void effect_pool::told(std::int64_t count) {
  const std::lock_guard lock{mutex_};
  known_.told(count);
}

std::int64_t effect_pool::in_hand() const {
  const std::lock_guard lock{mutex_};
  const std::size_t waiting = later_.size() + (phase_ == phase::works ? 0 : ready_.size());
  return known_.in_hand(waiting + static_cast<std::size_t>(overdue_));
}

void effect_pool::begin_no_more() {
  const std::lock_guard lock{mutex_};
  phase_ = std::max(phase_, phase::ending);
}

void effect_pool::forget_waiting() {
  const std::lock_guard lock{mutex_};
  for (const job& each : ready_) {
    known_.forget(each.row.key);
  }
  for (const auto& [due, each] : later_) {
    known_.forget(each.row.key);
  }
  ready_.clear();
  later_.clear();
  known_.disown_all();
}

effect_metrics effect_pool::look() const {
  const std::lock_guard lock{mutex_};
  effect_metrics seen = measured_;
  seen.ready = ready_.size();
  seen.retrying = later_.size();
  seen.running = under_way_.size();
  seen.overdue = static_cast<std::uint64_t>(overdue_);
  return seen;
}

std::vector<std::string> effect_pool::under_way() const {
  const std::lock_guard lock{mutex_};
  std::vector<std::string> all;
  for (const attempt_under_way& each : under_way_) {
    all.push_back(fmt::format("the effect `{}` ({})", each.name, to_string(each.key)));
  }
  return all;
}

std::vector<uuid> effect_pool::calls() const {
  const std::lock_guard lock{mutex_};
  return known_.calls();
}

void effect_pool::run(lane& self) {
  std::unique_ptr<actor> instance;
  while (auto taken = next()) {
    auto result = run_one(instance, *taken);
    group_.counters().effects.fetch_add(1, std::memory_order_relaxed);
    if (!result && is_momentary(result.error())) {
      try_again(std::move(*taken));
    } else {
      finish(std::move(*taken), result);
    }
  }
  // The instance ends before `is_over`: whoever joins this thread must not wait for an author's
  // code.
  instance.reset();
  const std::lock_guard lock{mutex_};
  self.is_over = true;
}

/// Tries an effect once and tells the group's breaker how it went: the call that asked was answered
/// "pending", which says nothing about the outside. An effect is promised, so it runs even if the
/// breaker refuses it; then it counts only if it succeeds.
///
/// @param instance made here if there is none, as a part of the try: a constructor that connects to
/// the outside hangs and fails as effects do. Null afterwards if it threw.
outcome<std::string> effect_pool::run_one(std::unique_ptr<actor>& instance, const job& which) {
  const instant began = group_.parts().time.now();
  attempt_under_way now_running{
      which.row.key,
      which.row.call,
      which.row.name,
      which.attempt,
      began,
      breaker_.admit(which.attempt, began),
      false,
      instance == nullptr,
      which.row.trace};
  std::unique_lock lock{mutex_};
  const auto noted = under_way_.insert(under_way_.end(), std::move(now_running));
  const auto span = spans_.begin(which.row);
  lock.unlock();
  const std::string_view trace = span ? span->context : which.row.trace;
  auto result = make(instance, noted).and_then([&] {
    return run_effect(*instance, which.row, {which.row.key, which.attempt, trace});
  });
  // An effect that the actor does not know says nothing of the outside.
  const bool is_unknown = instance && instance->find_effect(which.row.name) == nullptr;
  if (!result && result.error().code == errc::crashed) {
    instance.reset(); // A throw may have left it half changed. Its destructor, too, may hang.
  }
  lock.lock();
  const attempt_under_way ended = std::move(*noted);
  under_way_.erase(noted);
  overdue_ -= ended.is_overdue ? 1 : 0;
  const instant now = group_.parts().time.now();
  if (!is_unknown) {
    (result                         ? measured_.done
     : is_momentary(result.error()) ? measured_.failed
                                    : measured_.refused)
        .record(now - began);
    spans_.end({which.row, which.attempt, span.get()}, result, now - began);
  }
  lock.unlock();
  if (!ended.is_overdue) {
    breaker_.tell(
        ended.admitted,
        is_unknown ? std::nullopt : effect_breaker::judged_by(result, which.attempt),
        now - began,
        now);
  }
  if (!result && is_momentary(result.error()) && is_worth_a_line(which.attempt)) {
    log_failure(group_, which.row, which.attempt, result.error(), !ended.is_making);
  }
  return result;
}

/// Makes the instance of a thread, if it has none.
outcome<void>
effect_pool::make(std::unique_ptr<actor>& instance, std::list<attempt_under_way>::iterator of) {
  if (instance) {
    return {};
  }
  try {
    instance = make_();
  } catch (...) {
    return failure{error{
        .code = errc::crashed,
        .message = fmt::format("the actor's constructor threw: {}", what_was_thrown())}};
  }
  const std::lock_guard lock{mutex_};
  of->is_making = false;
  return {};
}

void effect_pool::tick(instant now) {
  std::vector<attempt_under_way> overdue;
  std::list<lane> over; // Their threads are joined once the lock is given back.
  {
    const std::lock_guard lock{mutex_};
    for (attempt_under_way& each : under_way_) {
      if (!each.is_overdue && now - each.began > group_.options().effect_limit) {
        each.is_overdue = true;
        ++overdue_;
        overdue.push_back(each);
      }
    }
    const int wanted = group_.options().effect_threads;
    for (auto each = lanes_.begin(); each != lanes_.end();) {
      const auto next = std::next(each);
      if (each->is_over) {
        over.splice(over.end(), lanes_, each);
      }
      each = next;
    }
    while (phase_ != phase::stopped && lanes_alive_ - overdue_ < wanted
           && lanes_alive_ < wanted * lanes_max_factor) {
      add_lane();
    }
  }
  for (const attempt_under_way& each : overdue) {
    judge(each, now);
  }
}

void effect_pool::judge(const attempt_under_way& overdue, instant now) {
  const outcome<std::string> failed = failure{
      error{.code = errc::deadline_exceeded, .message = "the outside did not answer in time"}};
  breaker_.tell(
      overdue.admitted,
      effect_breaker::judged_by(failed, overdue.attempt),
      now - overdue.began,
      now);
  group_.parts().log.write(
      "effect.overdue",
      {{"capability", group_.name()},
       {"effect", overdue.name},
       {"key", to_string(overdue.key)},
       {"call", to_string(overdue.call)},
       {"attempt", fmt::to_string(overdue.attempt)},
       {"limit_ms", fmt::to_string(group_.options().effect_limit.count())},
       {"trace", observe::hex_of(observe::trace_of(overdue.trace, overdue.call))},
       {"what",
        fmt::format(
            "{}, which the breaker counts as a failure; the try goes on",
            overdue.is_making ? "the actor's constructor has not returned in time"
                              : "the outside has not answered in time")}});
}

std::optional<effect_pool::job> effect_pool::next() {
  std::unique_lock lock{mutex_};
  for (;;) {
    const instant now = group_.parts().time.now();
    while (!later_.empty() && later_.begin()->first <= now) {
      ready_.push_back(std::move(later_.begin()->second));
      later_.erase(later_.begin());
    }
    // A thread that was overdue has been replaced.
    if (phase_ == phase::stopped || lanes_alive_ - overdue_ > group_.options().effect_threads) {
      --lanes_alive_;
      return std::nullopt;
    }
    if (phase_ == phase::works && !ready_.empty()) {
      job first = std::move(ready_.front());
      ready_.pop_front();
      return first;
    }
    ++idle_;
    if (later_.empty()) {
      changed_.wait(lock);
    } else {
      // A copy, since another thread may remove the entry meanwhile.
      const instant due = later_.begin()->first;
      changed_.wait_until(lock, due);
    }
    --idle_;
  }
}

void effect_pool::finish(job&& done, const outcome<std::string>& result) {
  std::string bytes;
  if (result) {
    bytes = *result;
  } else {
    wire::append_error(bytes, result.error());
  }
  group_.queues().push_internal(result_of(done.row.key, {!result, std::move(bytes)}));
}

void effect_pool::try_again(job&& failed) {
  const milliseconds wait =
      backoff_after(static_cast<std::uint64_t>(failed.attempt), backoff_first, backoff_max);
  ++failed.attempt;
  {
    const std::lock_guard lock{mutex_};
    if (known_.forget_if_disowned(failed.row.key)) {
      return; // Its heir tries it again.
    }
    later_.emplace(group_.parts().time.now() + wait, std::move(failed));
  }
  changed_.notify_one();
}

} // namespace troupe
