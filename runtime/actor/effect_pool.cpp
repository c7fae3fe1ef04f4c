#include "runtime/actor/effect_pool.hpp"

#include "runtime/fault_point.hpp"
#include "runtime/wire/envelope.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace troupe {

namespace {

constexpr milliseconds backoff_min{20};
constexpr milliseconds backoff_max{5'000};
// Logged at every power of two: an outside that is down for a day is not worth 20,000 lines.
bool is_worth_a_line(int attempt) {
  return (attempt & (attempt - 1)) == 0;
}


bool is_worth_another_try(const error& why) {
  return counts_as_failure(why.code) || why.code == errc::overloaded || why.code == errc::unavailable
         || why.code == errc::circuit_open;
}

/// A throw is a failure like any other: the outside may or may not have been reached.
outcome<std::string>
run_effect(const actor& instance, const store::effect_row& row, const effect_call& call) {
  const handlers::effect* handler = instance.find_effect(row.name);
  if (handler == nullptr) {
    return failure{internal_error(fmt::format("no effect `{}` in this program", row.name))};
  }
  try {
    TROUPE_FAULT("effect.before_run");
    auto result = handler->run(row.request, call);
    TROUPE_FAULT("effect.after_run");
    return result;
  } catch (const std::exception& thrown) {
    return failure{
        error{.code = errc::crashed, .possible = effect::unknown, .message = thrown.what()}};
  }
}

} // namespace

effect_pool::effect_pool(group& of, std::function<std::unique_ptr<actor>()> make)
    : group_{of}, make_{std::move(make)} {
  for (int i = 0; i < of.options().effect_threads; ++i) {
    threads_.emplace_back([this](const std::stop_token& stop) { run(stop); });
  }
}

effect_pool::~effect_pool() {
  for (std::jthread& thread : threads_) {
    thread.request_stop();
  }
}

bool effect_pool::has_room() const {
  const std::lock_guard lock{mutex_};
  return known_.size() < static_cast<std::size_t>(group_.options().effect_queue);
}

void effect_pool::submit(std::vector<store::effect_row>& rows) {
  if (rows.empty()) {
    return;
  }
  {
    const std::lock_guard lock{mutex_};
    for (store::effect_row& row : rows) {
      if (known_.insert(row.key).second) {
        ready_.push_back({std::move(row)});
      }
    }
  }
  rows.clear();
  changed_.notify_all();
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

void effect_pool::run(const std::stop_token& stop) {
  std::unique_ptr<actor> instance;
  while (auto taken = next(stop)) {
    try {
      if (!instance) {
        instance = make_();
      }
    } catch (const std::exception& thrown) {
      group_.parts().log.write(
          "effect.not_started",
          {{"capability", group_.name()}, {"effect", taken->row.name}, {"reason", thrown.what()}});
      try_again(std::move(*taken));
      continue;
    }
    auto result = run_effect(*instance, taken->row, {taken->row.key, taken->attempt});
    group_.counters().effects.fetch_add(1, std::memory_order_relaxed);
    if (!result && is_worth_another_try(result.error())) {
      if (is_worth_a_line(taken->attempt)) {
        log_failure(*taken, result.error());
      }
      if (result.error().code == errc::crashed) {
        instance.reset(); // What a throw left behind is not to be trusted.
      }
      try_again(std::move(*taken));
    } else {
      finish(std::move(*taken), result);
    }
  }
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

std::optional<effect_pool::job> effect_pool::next(const std::stop_token& stop) {
  std::unique_lock lock{mutex_};
  for (;;) {
    const instant now = group_.parts().time.now();
    while (!later_.empty() && later_.begin()->first <= now) {
      ready_.push_back(std::move(later_.begin()->second));
      later_.erase(later_.begin());
    }
    if (stop.stop_requested()) {
      return std::nullopt;
    }
    if (!ready_.empty()) {
      job first = std::move(ready_.front());
      ready_.pop_front();
      return first;
    }
    const auto something = [&] { return !ready_.empty(); };
    if (later_.empty()) {
      changed_.wait(lock, stop, something);
    } else {
      changed_.wait_until(lock, stop, later_.begin()->first, something);
    }
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
  {
    const std::lock_guard lock{mutex_};
    known_.erase(done.row.key);
  }
  group_.push_internal(std::move(answer));
}

void effect_pool::try_again(job&& failed) {
  const milliseconds wait = std::min(backoff_max, backoff_min * (1 << std::min(failed.attempt, 10)));
  ++failed.attempt;
  {
    const std::lock_guard lock{mutex_};
    later_.emplace(group_.parts().time.now() + wait, std::move(failed));
  }
  changed_.notify_one();
}

} // namespace troupe
