#include "runtime/supervision/group_policy.hpp"

#include <algorithm>
#include <fmt/core.h>
#include <limits>

namespace troupe::supervision {

namespace {

// More says nothing new, and sixteen of them are kept for each child.
constexpr std::size_t reason_bytes_max = 512;

/// @source BEHAVIOURS S5.
bool wants_restart(restart when, exit_kind kind) {
  switch (when) {
  case restart::permanent:
    return true;
  case restart::transient:
    return kind == exit_kind::abnormal;
  case restart::temporary:
    break;
  }
  return false;
}

std::string_view or_unknown(const std::string& reason) {
  return reason.empty() ? std::string_view{"no reason given"} : reason;
}

} // namespace

outcome<group_policy> group_policy::make(group_spec spec, std::uint64_t seed) {
  return check(spec).map([&] { return group_policy{std::move(spec), seed}; });
}

group_policy::group_policy(group_spec spec, std::uint64_t seed)
    : policy_{spec.policy}, jitter_{seed}, budget_{policy_.max_restarts, policy_.within} {
  for (auto& child : spec.children) {
    append(std::move(child), true);
  }
}

void group_policy::handle(
    const group_event& event, instant now, std::vector<group_action>& actions) {
  turn current{now, actions};
  std::visit([&](const auto& what) { on(what, current); }, event);
  advance(current);
}

outcome<void> group_policy::add(child_spec spec, instant now, std::vector<group_action>& actions) {
  if (auto checked = check(spec); !checked) {
    return checked;
  }
  if (positions_.contains(spec.id)) {
    return failure{error{
        .code = errc::conflict,
        .message =
            fmt::format("child id {} is there already", static_cast<std::uint32_t>(spec.id))}};
  }
  const auto at = append(std::move(spec), false);
  turn current{now, actions};
  // In every other phase the child is found when its turn comes.
  if (std::holds_alternative<all_up>(phase_)) {
    launch(members_.find(at), current);
  }
  advance(current);
  return {};
}

outcome<void>
group_policy::remove(child_id child, instant now, std::vector<group_action>& actions) {
  const auto found = positions_.find(child);
  if (found == positions_.end()) {
    return failure{
        invalid(fmt::format("no child has the id {}", static_cast<std::uint32_t>(child)))};
  }
  turn current{now, actions};
  const auto at = members_.find(found->second);
  if (at->second.state == child_state::stopping) {
    at->second.cause = stop_cause::removal;
  } else if (has_process(at->second.state)) {
    stop(at, stop_cause::removal, current);
  } else {
    forget(at, current);
  }
  advance(current);
  return {};
}

void group_policy::on(const start_requested&, turn&) {
  if (std::holds_alternative<idle>(phase_) || std::holds_alternative<resting>(phase_)
      || std::holds_alternative<ended>(phase_)) {
    begin_start();
  }
}

void group_policy::on(const stop_requested&, turn&) {
  if (!std::holds_alternative<ending>(phase_) && !std::holds_alternative<ended>(phase_)) {
    cancel_restarts();
    phase_ = ending{std::numeric_limits<position>::max()};
  }
}

void group_policy::on(const time_passed&, turn& now) {
  // Each one is taken off, or set to a later time: this ends.
  while (!timers_.empty() && timers_.begin()->first <= now.now) {
    overdue(members_.find(timers_.begin()->second), now);
  }
}

void group_policy::on(const child_started& event, turn& now) {
  const auto child = current(event.child, event.generation);
  if (child && (*child)->second.state == child_state::starting) {
    (*child)->second.state = child_state::running;
    (*child)->second.since = now.now;
    set_timer(*child, std::nullopt);
  }
}

void group_policy::on(const child_start_failed& event, turn& now) {
  const auto child = current(event.child, event.generation);
  if (!child) {
    return;
  }
  if ((*child)->second.state == child_state::starting) {
    start_failed(*child, fmt::format("did not start: {}", or_unknown(event.reason)), now);
  } else if ((*child)->second.state == child_state::stopping) {
    gone(*child, now);
  }
}

void group_policy::on(const child_declined& event, turn& now) {
  const auto child = current(event.child, event.generation);
  if (!child) {
    return;
  }
  if ((*child)->second.state == child_state::starting) {
    settle(*child, now);
  } else if ((*child)->second.state == child_state::stopping) {
    gone(*child, now);
  }
}

void group_policy::on(const child_exited& event, turn& now) {
  const auto child = current(event.child, event.generation);
  if (!child) {
    return;
  }
  auto& member = (*child)->second;
  if (member.state == child_state::starting) {
    start_failed(
        *child, fmt::format("ended while it was starting: {}", or_unknown(event.reason)), now);
  } else if (member.state == child_state::running) {
    exited_while_running(*child, event, now);
  } else {
    // A killed child cannot end well, and that it had to be killed was recorded. @source S16.
    if (event.kind == exit_kind::abnormal && !member.killed) {
      record(
          *child, fmt::format("while stopping: {}", or_unknown(event.reason)), event.message, now);
    }
    gone(*child, now);
  }
}

void group_policy::on(const child_stopped& event, turn& now) {
  const auto child = current(event.child, event.generation);
  if (!child) {
    return;
  }
  if ((*child)->second.state == child_state::stopping) {
    gone(*child, now);
  } else {
    // Nobody asked it to: an exit like any other.
    on(child_exited{event.child, event.generation, exit_kind::shutdown, "stopped unasked"}, now);
  }
}

std::optional<group_policy::entry> group_policy::current(child_id child, std::uint64_t generation) {
  const auto found = positions_.find(child);
  if (found != positions_.end()) {
    const auto at = members_.find(found->second);
    if (at->second.generation == generation && has_process(at->second.state)) {
      return at;
    }
  }
  ++stale_;
  return std::nullopt;
}

group_policy::position group_policy::append(child_spec spec, bool original) {
  const auto at = ++last_position_;
  positions_.emplace(spec.id, at);
  members_.emplace(at, known_child{.spec = std::move(spec), .original = original});
  return at;
}

void group_policy::set_timer(entry child, std::optional<instant> at) {
  auto& timer = child->second.timer;
  if (timer) {
    timers_.erase({*timer, child->first});
  }
  timer = at;
  if (timer) {
    timers_.emplace(*timer, child->first);
  }
}

void group_policy::overdue(entry child, turn& now) {
  auto& member = child->second;
  if (member.state == child_state::waiting) {
    launch(child, now);
  } else if (member.state == child_state::starting) {
    // Its failed start counts once it is gone, so that there are never two of it.
    member.cause = stop_cause::start_overdue;
    kill(child, now);
  } else if (!member.killed) {
    const auto within = member.spec.shutdown.value_or(policy_.shutdown);
    record(child, fmt::format("did not stop within {} ms", within.count()), std::nullopt, now);
    kill(child, now);
  } else {
    // It hangs where no kill reaches it. Waiting on would hang the whole group with it.
    now.actions.emplace_back(abandon_child{member.spec.id, member.generation});
    gone(child, now);
  }
}

void group_policy::launch(entry child, turn& now) {
  auto& member = child->second;
  member.state = child_state::starting;
  ++member.generation;
  set_timer(child, now.now + policy_.start);
  now.actions.emplace_back(start_child{member.spec.id, member.generation});
}

void group_policy::stop(entry child, stop_cause cause, turn& now) {
  auto& member = child->second;
  member.cause = cause;
  const auto within = member.spec.shutdown.value_or(policy_.shutdown);
  if (within == milliseconds{0}) {
    kill(child, now);
    return;
  }
  member.state = child_state::stopping;
  member.killed = false;
  set_timer(child, now.now + within);
  now.actions.emplace_back(stop_child{member.spec.id, member.generation, within});
}

void group_policy::kill(entry child, turn& now) {
  auto& member = child->second;
  member.state = child_state::stopping;
  member.killed = true;
  set_timer(child, now.now + kill_grace);
  now.actions.emplace_back(kill_child{member.spec.id, member.generation});
}

void group_policy::record(
    entry child, std::string reason, const std::optional<uuid>& message, turn& now) {
  auto& member = child->second;
  reason.resize(std::min(reason.size(), reason_bytes_max));
  member.failures.push_back({now.now, member.generation, std::move(reason), message});
  if (member.failures.size() > failures_kept) {
    member.failures.pop_front();
  }
  now.actions.emplace_back(record_failure{member.spec.id, member.failures.back()});
}

void group_policy::exited_while_running(entry child, const child_exited& event, turn& now) {
  auto& member = child->second;
  const auto lived = now.now - member.since;
  const bool again = wants_restart(member.spec.when, event.kind);
  if (event.kind == exit_kind::abnormal || again) {
    record(child, std::string{or_unknown(event.reason)}, event.message, now);
  }
  // One that was to be stopped anyway has only saved the trouble.
  if (!again || is_being_stopped(child->first)) {
    settle(child, now);
    return;
  }
  if (lived >= policy_.within) {
    member.failures_in_row = 0;
  }
  // The pace the budget allows if starts and back-off took no time: see README, Decisions.
  if (lived >= policy_.within / std::max(policy_.max_restarts, 1)) {
    member.quick_failures_in_row = 0;
  }
  restart_after(child, or_unknown(event.reason), now);
}

void group_policy::start_failed(entry child, std::string reason, turn& now) {
  record(child, reason, std::nullopt, now);
  const auto* starting = std::get_if<first_start>(&phase_);
  if (starting != nullptr && starting->at == child->first) {
    const auto name = child->second.spec.name;
    settle(child, now);
    give_up(fmt::format("{} {}", name, reason), now);
  } else if (is_being_stopped(child->first) || child->second.spec.when == restart::temporary) {
    settle(child, now);
  } else {
    restart_after(child, reason, now);
  }
}

void group_policy::gone(entry child, turn& now) {
  const auto cause = child->second.cause;
  if (cause == stop_cause::removal) {
    forget(child, now);
  } else if (cause == stop_cause::start_overdue) {
    start_failed(child, fmt::format("did not start within {} ms", policy_.start.count()), now);
  } else {
    settle(child, now);
  }
}

void group_policy::settle(entry child, turn& now) {
  child->second.state = child_state::ended;
  set_timer(child, std::nullopt);
  if (child->second.spec.when == restart::temporary && !child->second.original) {
    forget(child, now);
  }
}

void group_policy::forget(entry child, turn& now) {
  set_timer(child, std::nullopt);
  const auto id = child->second.spec.id;
  positions_.erase(id);
  members_.erase(child);
  now.actions.emplace_back(forget_child{id});
}

} // namespace troupe::supervision
