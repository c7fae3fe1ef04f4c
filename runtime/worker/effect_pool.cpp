#include "runtime/worker/effect_pool.hpp"

#include "runtime/backoff.hpp"
#include "runtime/fault_point.hpp"
#include "runtime/thrown.hpp"
#include "runtime/wire/envelope.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace troupe {

namespace {

constexpr milliseconds backoff_first{40};
constexpr milliseconds backoff_max{5'000};

// Failures are logged at every power of two: an outside that is down for a day is not worth 20,000
// lines.
bool is_worth_a_line(int attempt) {
  return (attempt & (attempt - 1)) == 0;
}

bool is_worth_another_try(const error& why) {
  return verdict_on(why.code).counts || verdict_on(why.code).asks_for_patience;
}

/// How the breaker counts a try. Only the first failure of an effect counts: one effect that never
/// works must not open the breaker for all.
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

effect_pool::effect_pool(group& of, std::function<std::unique_ptr<actor>()> make)
    : group_{of}, make_{std::move(make)} {
  for (int i = 0; i < of.options().effect_threads; ++i) {
    threads_.emplace_back([this] { run(); });
  }
}

effect_pool::~effect_pool() {
  {
    const std::lock_guard lock{mutex_};
    is_stopped_ = true;
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
      if (known_.insert(row.key).second) {
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

void effect_pool::settled(const uuid& key) {
  const std::lock_guard lock{mutex_};
  known_.erase(key);
}

void effect_pool::forget_waiting() {
  const std::lock_guard lock{mutex_};
  for (const job& each : ready_) {
    known_.erase(each.row.key);
  }
  for (const auto& [due, each] : later_) {
    known_.erase(each.row.key);
  }
  ready_.clear();
  later_.clear();
}

void effect_pool::run() {
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
    if (!result && is_worth_another_try(result.error())) {
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
}

/// Tries an effect once and tells the group's breaker how it went: the call that asked was answered
/// "pending", which says nothing about the outside. An effect is promised, so it runs even if the
/// breaker refuses it; then it does not count.
outcome<std::string> effect_pool::run_one(const actor& instance, const job& which) {
  if (instance.find_effect(which.row.name) == nullptr) {
    return run_effect(instance, which.row, {}); // It says nothing of the outside.
  }
  std::vector<supervision::admission> admissions;
  const instant began = group_.parts().time.now();
  group_.breaker().admit(1, began, admissions);
  auto result = run_effect(instance, which.row, {which.row.key, which.attempt});
  if (const auto* admitted = std::get_if<supervision::admitted>(&admissions.front())) {
    const instant ended = group_.parts().time.now();
    const group_breaker::result how{*admitted, judged_by(result, which.attempt), ended - began};
    group_.breaker().record({&how, 1}, ended);
  }
  return result;
}

void effect_pool::log_failure(const job& failed, const error& why) {
  group_.parts().log.write(
      "effect.failed",
      {{"capability", group_.name()},
       {"effect", failed.row.name},
       {"key", to_string(failed.row.key)},
       {"call", to_string(failed.row.call)},
       {"attempt", fmt::to_string(failed.attempt)},
       {"reason", why.message}});
}

std::optional<effect_pool::job> effect_pool::next() {
  std::unique_lock lock{mutex_};
  for (;;) {
    const instant now = group_.parts().time.now();
    while (!later_.empty() && later_.begin()->first <= now) {
      ready_.push_back(std::move(later_.begin()->second));
      later_.erase(later_.begin());
    }
    if (is_stopped_) {
      return std::nullopt;
    }
    if (!ready_.empty()) {
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
  item answer{.what = item::kind::effect_done, .failed = !result, .id = done.row.key};
  std::string bytes;
  if (result) {
    bytes = *result;
  } else {
    wire::append_error(bytes, result.error());
  }
  answer.own_body(std::move(bytes));
  group_.queues().push_internal(std::move(answer));
}

void effect_pool::try_again(job&& failed) {
  const milliseconds wait =
      backoff_after(static_cast<std::uint64_t>(failed.attempt), backoff_first, backoff_max);
  ++failed.attempt;
  {
    const std::lock_guard lock{mutex_};
    later_.emplace(group_.parts().time.now() + wait, std::move(failed));
  }
  changed_.notify_one();
}

} // namespace troupe
