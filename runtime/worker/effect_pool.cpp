#include "runtime/worker/effect_pool.hpp"

#include "runtime/backoff.hpp"
#include "runtime/fault_point.hpp"
#include "runtime/observe/span_names.hpp"
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

/// The result of a try as the breaker counts it; nothing if it does not. Only the first failure of
/// an effect counts: one effect that never works must not open the breaker for all.
std::optional<supervision::call_result> judged_by(const outcome<std::string>& result, int attempt) {
  if (result) {
    return supervision::call_result::ok;
  }
  return attempt == 1 ? supervision::result_of(result.error().code) : std::nullopt;
}

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
    : group_{of}, make_{std::move(make)}, spans_{of.parts().spans.add()} {
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

std::vector<uuid> effect_pool::calls() const {
  const std::lock_guard lock{mutex_};
  return known_.calls();
}

void effect_pool::run(lane& self) {
  std::unique_ptr<actor> instance;
  while (auto taken = next()) {
    try {
      if (!instance) {
        instance = make_();
      }
    } catch (...) {
      group_.parts().log.write(
          "effect.not_started",
          {{"capability", group_.name()},
           {"effect", taken->row.name},
           {"reason", "the actor's constructor threw"}});
      try_again(std::move(*taken));
      continue;
    }
    auto result = run_one(*instance, *taken);
    group_.counters().effects.fetch_add(1, std::memory_order_relaxed);
    if (!result && is_momentary(result.error())) {
      if (is_worth_a_line(taken->attempt)) {
        log_failure(*taken, result.error());
      }
      if (result.error().code == errc::crashed) {
        instance.reset(); // A throw may have left it half changed.
      }
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
/// breaker refuses it; then it does not count.
outcome<std::string> effect_pool::run_one(const actor& instance, const job& which) {
  if (instance.find_effect(which.row.name) == nullptr) {
    // An effect that the actor does not know says nothing of the outside.
    return run_effect(instance, which.row, {});
  }
  std::vector<supervision::admission> admissions;
  const instant began = group_.parts().time.now();
  group_.breaker().admit(1, began, admissions);
  attempt_under_way now_running{
      which.row.key,
      which.row.call,
      which.row.name,
      which.attempt,
      began,
      {},
      false,
      which.row.trace};
  if (const auto* admitted = std::get_if<supervision::admitted>(&admissions.front())) {
    now_running.admitted = *admitted;
  }
  std::unique_lock lock{mutex_};
  const auto noted = under_way_.insert(under_way_.end(), std::move(now_running));
  const auto span = begin_span(which);
  lock.unlock();
  const std::string_view trace = span ? span->context : which.row.trace;
  auto result = run_effect(instance, which.row, {which.row.key, which.attempt, trace});
  lock.lock();
  const attempt_under_way ended = std::move(*noted);
  under_way_.erase(noted);
  overdue_ -= ended.is_overdue ? 1 : 0;
  const instant now = group_.parts().time.now();
  (result                         ? measured_.done
   : is_momentary(result.error()) ? measured_.failed
                                  : measured_.refused)
      .record(now - began);
  if (span || !result || now - began > observe::slow_from) {
    end_span(which, span.get(), result, now - began);
  }
  lock.unlock();
  if (ended.admitted && !ended.is_overdue) {
    const group_breaker::result how{*ended.admitted, judged_by(result, which.attempt), now - began};
    group_.breaker().record({&how, 1}, now);
  }
  return result;
}

/// The span of a try, if its trace is recorded. Under the mutex.
std::unique_ptr<observe::open_span> effect_pool::begin_span(const job& which) {
  const auto above =
      observe::says_recorded(which.row.trace) ? observe::read_trace(which.row.trace) : std::nullopt;
  if (!above) {
    return nullptr;
  }
  auto made = std::make_unique<observe::open_span>();
  made->record.trace = above->trace;
  made->record.parent = above->span;
  made->record.id = spans_.new_id();
  made->context = observe::trace_text({above->trace, made->record.id, true}, which.row.trace);
  return made;
}

/// Records a try. Without a trace that is recorded only one that failed for a technical reason or
/// was slow has a span. Under the mutex.
void effect_pool::end_span(
    const job& which,
    const observe::open_span* begun,
    const outcome<std::string>& result,
    instant::duration took) {
  const bool has_failed = !result && is_momentary(result.error());
  if (begun == nullptr && !has_failed && took <= observe::slow_from) {
    return;
  }
  observe::span record;
  if (begun != nullptr) {
    record = begun->record;
  } else {
    const auto above =
        observe::read_trace(which.row.trace).value_or(observe::root_of(which.row.call));
    record.trace = above.trace;
    record.parent = above.span;
    record.id = spans_.new_id();
  }
  record.kind = observe::span_kind::client;
  record.has_failed = has_failed;
  record.duration = took.count();
  record.start = std::chrono::duration_cast<std::chrono::nanoseconds>(
                     group_.parts().time.wall().time_since_epoch())
                     .count()
                 - record.duration;
  record.set_name(
      fmt::format("{} effect {}", group_.name(), which.row.name),
      observe::fields_of(which.row.trace).tracestate);
  record.note(observe::names::capability, group_.name());
  record.note(observe::names::effect_key, to_string(which.row.key));
  record.note(observe::names::message_id, to_string(which.row.call));
  record.note(observe::names::attempt, fmt::to_string(which.attempt));
  if (!result) {
    record.note(observe::names::error, name_of(result.error().code));
  }
  spans_.add(record);
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
  if (overdue.admitted) {
    const outcome<std::string> failed = failure{
        error{.code = errc::deadline_exceeded, .message = "the outside did not answer in time"}};
    const group_breaker::result how{
        *overdue.admitted, judged_by(failed, overdue.attempt), now - overdue.began};
    group_.breaker().record({&how, 1}, now);
  }
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
        "the outside has not answered in time, which the breaker counts as a failure; the try goes "
        "on"}});
}

void effect_pool::log_failure(const job& failed, const error& why) {
  group_.parts().log.write(
      "effect.failed",
      {{"capability", group_.name()},
       {"effect", failed.row.name},
       {"key", to_string(failed.row.key)},
       {"call", to_string(failed.row.call)},
       {"attempt", fmt::to_string(failed.attempt)},
       {"reason", why.message},
       {"trace", observe::hex_of(observe::trace_of(failed.row.trace, failed.row.call))}});
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
