#include "runtime/supervision/group_policy.hpp"

#include <algorithm>
#include <fmt/core.h>
#include <utility>

namespace troupe::supervision {

namespace {

constexpr double backoff_jitter = 0.2;

std::string_view or_unknown(const std::string& reason) {
  return reason.empty() ? std::string_view{"no reason given"} : reason;
}

} // namespace

group_policy::group_policy(group_spec spec, std::uint64_t seed)
    : policy_{spec.policy}, jitter_{seed}, budget_{policy_.max_restarts, policy_.within} {
  children_.reserve(spec.children.size());
  for (child_spec& child : spec.children) {
    children_.push_back({.id = child.id, .name = std::move(child.name)});
  }
}

void group_policy::handle(
    const group_event& event, instant now, std::vector<group_action>& actions) {
  turn current{now, actions};
  std::visit([&](const auto& what) { on(what, current); }, event);
  advance(current);
}

void group_policy::on(const start_requested&, turn&) {
  if (state() == group_state::idle) {
    begin();
  }
}

void group_policy::on(const time_passed&, turn& now) {
  for (position at = 0; at < children_.size(); ++at) {
    if (children_[at].due && *children_[at].due <= now.now) {
      overdue(at, now);
    }
  }
}

void group_policy::on(const child_started& event, turn& now) {
  const auto at = current(event.child, event.generation);
  if (at && children_[*at].state == child_state::starting) {
    children_[*at].enter(child_state::running);
    children_[*at].since = now.now;
  }
}

void group_policy::on(const child_start_failed& event, turn& now) {
  const auto at = current(event.child, event.generation);
  if (at && children_[*at].state == child_state::starting) {
    start_failed(*at, fmt::format("did not start: {}", or_unknown(event.reason)), now);
  } else if (at && children_[*at].state == child_state::stopping) {
    children_[*at].enter(child_state::ended);
  }
}

void group_policy::on(const child_exited& event, turn& now) {
  const auto at = current(event.child, event.generation);
  if (!at) {
    return;
  }
  if (children_[*at].state == child_state::starting) {
    start_failed(
        *at, fmt::format("ended while it was starting: {}", or_unknown(event.reason)), now);
  } else if (children_[*at].state == child_state::running) {
    exited_while_running(*at, event, now);
  } else {
    record(
        *at,
        fmt::format("while stopping: {}", or_unknown(event.reason)),
        event.message,
        event.trace,
        now);
    children_[*at].enter(child_state::ended);
  }
}

void group_policy::on(const child_stopped& event, turn&) {
  const auto at = current(event.child, event.generation);
  if (at && children_[*at].state == child_state::stopping) {
    children_[*at].enter(child_state::ended);
  }
}

std::optional<group_policy::position>
group_policy::current(child_id child, std::uint64_t generation) const {
  const auto found = std::ranges::find(children_, child, &supervised_child::id);
  if (found == children_.end() || found->generation != generation || !found->has_process()) {
    return std::nullopt;
  }
  return static_cast<position>(found - children_.begin());
}

void group_policy::overdue(position at, turn& now) {
  const child_state state = children_[at].state;
  if (state == child_state::waiting) {
    start(at, now);
  } else if (state == child_state::starting) {
    start_failed(at, fmt::format("did not start within {} ms", policy_.start.count()), now);
  } else {
    // The child hangs in a handler. Waiting longer would block the whole group.
    record(
        at,
        fmt::format("did not stop within {} ms", policy_.shutdown.count()),
        std::nullopt,
        std::nullopt,
        now);
    children_[at].enter(child_state::ended);
  }
}

void group_policy::start(position at, turn& now) {
  supervised_child& child = children_[at];
  child.enter(child_state::starting, now.now + policy_.start);
  ++child.generation;
  now.actions.emplace_back(start_child{child.id, child.generation});
}

void group_policy::stop(position at, turn& now) {
  supervised_child& child = children_[at];
  child.enter(child_state::stopping, now.now + policy_.shutdown);
  now.actions.emplace_back(stop_child{child.id, child.generation});
}

void group_policy::record(
    position at,
    std::string reason,
    const std::optional<uuid>& message,
    const std::optional<uuid>& trace,
    const turn& now) {
  supervised_child& child = children_[at];
  now.actions.emplace_back(
      record_failure{child.id, child.keep_failure(now.now, std::move(reason), message, trace)});
}

void group_policy::start_failed(position at, const std::string& reason, turn& now) {
  supervised_child& child = children_[at];
  record(at, reason, std::nullopt, std::nullopt, now);
  if (sequence_.is_first_start_of(at)) {
    child.enter(child_state::ended);
    give_up(fmt::format("{} {}", child.name, reason), now);
  } else if (sequence_.is_being_stopped(at)) {
    child.enter(child_state::ended);
  } else {
    restart_after(at, reason, now);
  }
}

void group_policy::exited_while_running(position at, const child_exited& event, turn& now) {
  supervised_child& child = children_[at];
  record(at, std::string{or_unknown(event.reason)}, event.message, event.trace, now);
  // The child was to be stopped anyway.
  if (sequence_.is_being_stopped(at)) {
    child.enter(child_state::ended);
    return;
  }
  if (causes_.note(event.message)) {
    return restart_again(at, now);
  }
  const auto lived = now.now - child.since;
  if (lived >= policy_.within) {
    child.failures_in_row = 0;
  }
  // The pace that the budget would allow if starts and back-off took no time: see README,
  // Decisions.
  if (lived >= policy_.within / std::max(policy_.max_restarts, 1)) {
    child.quick_failures_in_row = 0;
  }
  restart_after(at, or_unknown(event.reason), now);
}

void group_policy::restart_after(position at, std::string_view reason, turn& now) {
  supervised_child& child = children_[at];
  ++child.failures_in_row;
  ++child.quick_failures_in_row;
  child.enter(child_state::ended);
  if (!budget_.spend(now.now)) {
    give_up(
        fmt::format(
            "more than {} restarts within {} ms, the last since {}: {}",
            policy_.max_restarts,
            policy_.within.count(),
            child.name,
            reason),
        now);
    return;
  }
  if (child.quick_failures_in_row > policy_.max_restarts) {
    give_up(
        fmt::format(
            "{} failed {} times in a row, the last time: {}",
            child.name,
            child.quick_failures_in_row,
            reason),
        now);
    return;
  }
  const auto wait = jitter_.stretch(
      backoff_after(
          static_cast<std::uint64_t>(child.failures_in_row),
          policy_.backoff_min,
          policy_.backoff_max),
      backoff_jitter);
  const auto due = now.now + std::chrono::duration_cast<instant::duration>(wait);
  now.actions.emplace_back(plan_restart{child.id, due, child.failures_in_row});
  restart_at(at, due, now);
}

void group_policy::restart_again(position at, turn& now) {
  children_[at].enter(child_state::ended);
  restart_at(at, now.now, now);
}

void group_policy::restart_at(position at, instant due, turn& now) {
  if (policy_.on_failure != strategy::one_for_one) {
    sequence_.restart_from(policy_.on_failure == strategy::one_for_all ? 0 : at, due);
  } else if (due > now.now) {
    children_[at].enter(child_state::waiting, due);
  } else {
    start(at, now);
  }
}

void group_policy::give_up(std::string reason, turn& now) {
  for (supervised_child& each : children_) {
    if (each.state == child_state::waiting) {
      each.enter(child_state::ended);
    }
  }
  const auto retry_at = now.now + policy_.cool_down;
  // Report the end before the children have stopped, so that brokers stop sending meanwhile.
  now.actions.emplace_back(group_down{std::move(reason), retry_at});
  sequence_.give_up(retry_at);
}

void group_policy::begin() {
  budget_.clear();
  for (supervised_child& each : children_) {
    each.renew();
  }
  sequence_.begin();
}

void group_policy::advance(turn& now) {
  while (const auto step = sequence_.next(children_, now.now)) {
    if (const auto* to_start = std::get_if<group_sequence::start_next>(&*step)) {
      start(to_start->child, now);
    } else if (const auto* to_stop = std::get_if<group_sequence::stop_next>(&*step)) {
      stop(to_stop->child, now);
    } else if (std::holds_alternative<group_sequence::try_again>(*step)) {
      begin();
    } else {
      now.actions.emplace_back(group_up{});
    }
  }
}

std::optional<instant> group_policy::next_due() const {
  std::optional<instant> due = sequence_.next_due();
  for (const supervised_child& each : children_) {
    if (each.due) {
      due = due ? std::min(*due, *each.due) : each.due;
    }
  }
  return due;
}

} // namespace troupe::supervision
