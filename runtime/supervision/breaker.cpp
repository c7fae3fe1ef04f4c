#include "runtime/supervision/breaker.hpp"

#include <algorithm>
#include <array>
#include <fmt/core.h>

namespace troupe::supervision {

namespace {

using namespace std::chrono_literals;

// README, B6.
constexpr double growth = 1.5;
constexpr double growth_max = 10.0;
constexpr double wait_jitter = 0.1;

constexpr std::array<std::string_view, 4> mode_names{"auto", "open", "closed", "disabled"};

breaker_state forced_to(breaker_mode mode) {
  switch (mode) {
  case breaker_mode::automatic:
    break;
  case breaker_mode::open:
    return breaker_state::forced_open;
  case breaker_mode::closed:
    return breaker_state::forced_closed;
  case breaker_mode::disabled:
    return breaker_state::disabled;
  }
  return breaker_state::closed;
}

/// The answer to a call that may be retried at `until`. Rounded up, so that a caller who waits
/// exactly that long is not early.
refused refuse(instant until, instant now) {
  return {std::max(std::chrono::ceil<milliseconds>(until - now), 1ms)};
}

} // namespace

std::string_view name_of(breaker_state state) {
  constexpr std::array<std::string_view, 6> names{
      "closed", "open", "half_open", "forced_open", "forced_closed", "disabled"};
  return names[static_cast<std::size_t>(state)];
}

std::string_view name_of(breaker_mode mode) {
  return mode_names[static_cast<std::size_t>(mode)];
}

std::optional<breaker_mode> mode_named(std::string_view name) {
  const auto found = std::ranges::find(mode_names, name);
  if (found == mode_names.end()) {
    return std::nullopt;
  }
  return static_cast<breaker_mode>(found - mode_names.begin());
}

std::optional<call_result> result_of(errc code) {
  const verdict& says = verdict_on(code);
  if (says.asks_for_patience) {
    return std::nullopt;
  }
  if (!says.counts) {
    return call_result::ok;
  }
  return code == errc::deadline_exceeded ? call_result::timed_out : call_result::failed;
}

breaker::breaker(
    const breaker_options& options, std::uint64_t seed, instant now, forced_state stored)
    : state_{forced_to(stored.mode)}, options_{options}, jitter_{seed}, forced_{std::move(stored)} {
  if (options.window) {
    window_.emplace(options.window->span, now);
  }
  leases_.reserve(static_cast<std::size_t>(options.probes));
}

admission breaker::admit(instant now, std::vector<breaker_transition>& transitions) {
  if (state_ == breaker_state::closed) [[likely]] {
    return admitted{epoch_, 0};
  }
  return admit_slowly(now, transitions);
}

admission breaker::admit_slowly(instant now, std::vector<breaker_transition>& transitions) {
  tick(now, transitions);
  switch (state_) {
  case breaker_state::open:
    return refuse(open_until_, now);
  case breaker_state::forced_open:
    // It is unknown when the operator will set it back.
    return refuse(now + options_.timeout, now);
  case breaker_state::half_open:
    break;
  case breaker_state::closed:
  case breaker_state::forced_closed:
  case breaker_state::disabled:
    return admitted{epoch_, 0};
  }
  if (probes_in_flight() + succeeded_ >= options_.probes) {
    // A verdict comes at the first deadline at the latest. There must be a lease: if every probe
    // had succeeded, the breaker would be closed.
    return refuse(leases_.front().deadline, now);
  }
  leases_.push_back({++last_probe_, now + options_.probe_deadline});
  return admitted{epoch_, last_probe_};
}

void breaker::record(
    call_result result,
    const admitted& call,
    std::chrono::nanoseconds took,
    instant now,
    std::vector<breaker_transition>& transitions) {
  if (call.epoch != epoch_) {
    return;
  }
  if (state_ == breaker_state::closed) {
    record_closed(result, took, now, transitions);
  } else if (state_ == breaker_state::half_open) {
    record_probe(result, call, took, now, transitions);
  }
}

void breaker::record_closed(
    call_result result,
    std::chrono::nanoseconds took,
    instant now,
    std::vector<breaker_transition>& transitions) {
  const bool failed = result != call_result::ok;
  if (window_) {
    const bool slow = is_slow(took);
    window_->add(failed, slow, now);
    if (failed || slow) {
      weigh(now, transitions);
    }
    return;
  }
  if (!failed) {
    failures_in_row_ = 0;
    return;
  }
  if (++failures_in_row_ >= options_.threshold) {
    open(
        fmt::format(
            "{} failures in a row, the last {}",
            failures_in_row_,
            result == call_result::timed_out ? "timed out" : "failed"),
        now,
        transitions);
  }
}

void breaker::record_probe(
    call_result result,
    const admitted& call,
    std::chrono::nanoseconds took,
    instant now,
    std::vector<breaker_transition>& transitions) {
  expire(now, transitions);
  const auto held = std::ranges::find(leases_, call.probe, &lease::probe);
  if (call.epoch != epoch_ || held == leases_.end()) {
    return;
  }
  leases_.erase(held);
  if (result != call_result::ok) {
    open(
        result == call_result::timed_out ? "a probe timed out" : "a probe failed",
        now,
        transitions);
  } else if (is_slow(took)) {
    open("a probe was slow", now, transitions);
  } else if (++succeeded_ == options_.probes) {
    closed_since_ = now;
    enter(
        breaker_state::closed,
        fmt::format("{} of {} probes succeeded", succeeded_, options_.probes),
        {},
        now,
        transitions);
  }
}

void breaker::cancel(
    const admitted& call, instant now, std::vector<breaker_transition>& transitions) {
  if (call.epoch != epoch_) {
    return;
  }
  if (state_ != breaker_state::half_open) {
    return;
  }
  expire(now, transitions);
  // `expire` may have removed the lease when it opened the breaker.
  std::erase_if(leases_, [&](const lease& each) { return each.probe == call.probe; });
}

void breaker::tick(instant now, std::vector<breaker_transition>& transitions) {
  if (state_ == breaker_state::closed) {
    weigh(now, transitions);
  } else if (state_ == breaker_state::open && now >= open_until_) {
    enter(breaker_state::half_open, "the wait is over", {}, now, transitions);
  } else if (state_ == breaker_state::half_open) {
    expire(now, transitions);
  }
}

std::optional<instant> breaker::next_due() const {
  if (state_ == breaker_state::open) {
    return open_until_;
  }
  if (state_ == breaker_state::half_open && !leases_.empty()) {
    return leases_.front().deadline;
  }
  // The rate of bad outcomes may rise as good ones leave the window.
  if (state_ == breaker_state::closed && window_ && window_->holds_bad()) {
    return window_->next_change();
  }
  return std::nullopt;
}

void breaker::force(
    breaker_mode mode,
    std::string who,
    std::string why,
    instant now,
    std::vector<breaker_transition>& transitions) {
  const auto before = forced_.mode;
  if (mode == breaker_mode::automatic && before == breaker_mode::automatic) {
    return;
  }
  forced_ = {mode, who, why};
  rounds_ = 0;
  closed_since_.reset();
  if (mode == breaker_mode::automatic && before == breaker_mode::open) {
    // The operator who forced it open had a reason, so probe first instead of allowing full
    // traffic.
    enter(breaker_state::half_open, std::move(why), std::move(who), now, transitions);
  } else {
    enter(forced_to(mode), std::move(why), std::move(who), now, transitions);
  }
}

int breaker::probes_in_flight() const {
  return static_cast<int>(leases_.size());
}

bool breaker::is_slow(std::chrono::nanoseconds took) const {
  return options_.window && took > options_.window->slow_call;
}

void breaker::expire(instant now, std::vector<breaker_transition>& transitions) {
  // All leases have the same length, so the oldest ends first.
  if (!leases_.empty() && now >= leases_.front().deadline) {
    open("a probe was not answered by its deadline", now, transitions);
  }
}

void breaker::weigh(instant now, std::vector<breaker_transition>& transitions) {
  if (!window_) {
    return;
  }
  const auto& rules = *options_.window;
  const auto counts = window_->counts(now);
  if (counts.calls < static_cast<std::uint64_t>(rules.minimum_calls)) {
    return;
  }
  const auto calls = static_cast<double>(counts.calls);
  // Divide instead of multiplying: 3 of 10 is exactly 0.3 as a double, but 0.3 x 10 is not always
  // 3.
  if (static_cast<double>(counts.failures) / calls >= rules.failure_rate) {
    open(fmt::format("{} of {} calls failed", counts.failures, counts.calls), now, transitions);
  } else if (static_cast<double>(counts.slow) / calls >= rules.slow_rate) {
    open(fmt::format("{} of {} calls were slow", counts.slow, counts.calls), now, transitions);
  }
}

void breaker::open(std::string reason, instant now, std::vector<breaker_transition>& transitions) {
  // The breaker was closed for less than its own wait: the cause persists, and the wait keeps
  // growing.
  const bool again = state_ == breaker_state::half_open
                     || (closed_since_ && now - *closed_since_ < options_.timeout);
  rounds_ = again ? rounds_ + 1 : 0;
  double factor = 1.0;
  for (int i = 0; i < rounds_ && factor < growth_max; ++i) {
    factor *= growth;
  }
  const std::chrono::duration<double, std::nano> base =
      std::min(factor, growth_max) * std::chrono::nanoseconds{options_.timeout};
  const auto wait =
      jitter_.stretch(std::chrono::duration_cast<std::chrono::nanoseconds>(base), wait_jitter);
  open_until_ = now + std::chrono::duration_cast<instant::duration>(wait);
  enter(breaker_state::open, std::move(reason), {}, now, transitions);
}

void breaker::enter(
    breaker_state next,
    std::string reason,
    std::string who,
    instant now,
    std::vector<breaker_transition>& transitions) {
  ++epoch_;
  transitions.push_back({state_, next, epoch_, now, std::move(reason), std::move(who)});
  state_ = next;
  failures_in_row_ = 0;
  succeeded_ = 0;
  leases_.clear();
  if (window_) {
    window_->clear(now);
  }
}

} // namespace troupe::supervision
