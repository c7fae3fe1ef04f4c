// The group as a whole: what starts and stops together, in which order, and when it gives up.
#include "runtime/supervision/group_policy.hpp"

#include <algorithm>
#include <array>
#include <fmt/core.h>
#include <limits>

namespace troupe::supervision {

namespace {

constexpr double backoff_jitter = 0.2;

} // namespace

void group_policy::restart_after(entry child, std::string_view reason, turn& now) {
  auto& member = child->second;
  ++member.failures_in_row;
  ++member.quick_failures_in_row;
  member.state = child_state::ended;
  set_timer(child, std::nullopt);
  if (!budget_.spend(now.now)) {
    give_up(
        fmt::format(
            "more than {} restarts within {} ms, the last since {}: {}",
            policy_.max_restarts,
            policy_.within.count(),
            member.spec.name,
            reason),
        now);
    return;
  }
  if (member.quick_failures_in_row > policy_.max_restarts) {
    give_up(
        fmt::format(
            "{} failed {} times in a row, the last time: {}",
            member.spec.name,
            member.quick_failures_in_row,
            reason),
        now);
    return;
  }
  const auto wait = jitter_.stretch(
      backoff_after(
          static_cast<std::uint64_t>(member.failures_in_row),
          policy_.backoff_min,
          policy_.backoff_max),
      backoff_jitter);
  auto due = now.now + std::chrono::duration_cast<instant::duration>(wait);
  now.actions.emplace_back(plan_restart{member.spec.id, due, member.failures_in_row});
  if (policy_.on_failure == strategy::one_for_one) {
    member.state = child_state::waiting;
    set_timer(child, due);
    if (due <= now.now) {
      launch(child, now);
    }
    return;
  }
  auto from = policy_.on_failure == strategy::one_for_all ? position{1} : child->first;
  auto below = std::numeric_limits<position>::max();
  if (const auto* part = std::get_if<stopping_part>(&phase_)) {
    from = std::min(from, part->from);
    below = part->below;
    due = std::max(due, part->due);
  } else if (const auto* waits = std::get_if<waiting>(&phase_)) {
    from = std::min(from, waits->from);
    due = std::max(due, waits->due);
  }
  phase_ = stopping_part{from, below, due};
}

void group_policy::begin_start() {
  budget_.clear();
  for (auto& [at, member] : members_) {
    member.state = child_state::fresh;
    member.failures_in_row = 0;
    member.quick_failures_in_row = 0;
  }
  said_up_ = false;
  phase_ = first_start{};
}

void group_policy::give_up(std::string reason, turn& now) {
  cancel_restarts();
  const auto retry_at = now.now + policy_.cool_down;
  // Said before the children have stopped: the brokers must not send here meanwhile.
  now.actions.emplace_back(group_down{std::move(reason), retry_at});
  phase_ = giving_up{std::numeric_limits<position>::max(), retry_at};
}

void group_policy::cancel_restarts() {
  for (auto at = members_.begin(); at != members_.end(); ++at) {
    if (at->second.state == child_state::waiting) {
      at->second.state = child_state::ended;
      set_timer(at, std::nullopt);
    }
  }
}

bool group_policy::is_being_stopped(position child) const {
  if (const auto* part = std::get_if<stopping_part>(&phase_)) {
    return child >= part->from;
  }
  if (const auto* waits = std::get_if<waiting>(&phase_)) {
    return child >= waits->from;
  }
  return std::holds_alternative<giving_up>(phase_) || std::holds_alternative<ending>(phase_);
}

void group_policy::advance(turn& now) {
  while (step(now)) {
  }
}

bool group_policy::step(turn& now) {
  if (auto* starts = std::get_if<first_start>(&phase_)) {
    return step_start(starts->at, true, now);
  }
  if (auto* starts = std::get_if<restart_start>(&phase_)) {
    return step_start(starts->at, false, now);
  }
  if (auto* part = std::get_if<stopping_part>(&phase_)) {
    if (!step_stop(part->from, part->below, now)) {
      return false;
    }
    phase_ = waiting{part->from, part->due};
    return true;
  }
  if (const auto* waits = std::get_if<waiting>(&phase_)) {
    if (now.now < waits->due) {
      return false;
    }
    phase_ = restart_start{waits->from - 1};
    return true;
  }
  if (auto* stops = std::get_if<giving_up>(&phase_)) {
    if (!step_stop(0, stops->below, now)) {
      return false;
    }
    phase_ = resting{stops->retry_at};
    return true;
  }
  if (const auto* rests = std::get_if<resting>(&phase_)) {
    if (now.now < rests->retry_at) {
      return false;
    }
    begin_start();
    return true;
  }
  if (auto* stops = std::get_if<ending>(&phase_)) {
    if (step_stop(0, stops->below, now)) {
      phase_ = ended{};
      now.actions.emplace_back(group_stopped{});
    }
  }
  return false;
}

bool group_policy::step_start(position& at, bool first, turn& now) {
  const auto last = members_.find(at);
  if (last != members_.end()
      && (last->second.state == child_state::starting
          || last->second.state == child_state::stopping)) {
    return false;
  }
  const auto next = std::find_if(
      members_.upper_bound(at),
      members_.end(),
      [&](const std::pair<const position, known_child>& each) {
        // A temporary child that went down with a sibling stays down. @source BEHAVIOURS S7.
        return each.second.state == child_state::fresh
               || (!first && each.second.state == child_state::ended
                   && each.second.spec.when != restart::temporary);
      });
  if (next == members_.end()) {
    phase_ = all_up{};
    if (!said_up_) {
      said_up_ = true;
      now.actions.emplace_back(group_up{});
    }
    return false;
  }
  at = next->first;
  launch(next, now);
  return false;
}

bool group_policy::step_stop(position from, position& below, turn& now) {
  auto at = members_.lower_bound(below);
  while (at != members_.begin()) {
    --at;
    if (at->first < from) {
      break;
    }
    if (has_process(at->second.state)) {
      if (at->second.state != child_state::stopping) {
        stop(at, stop_cause::sequence, now);
      }
      return false;
    }
    below = at->first;
  }
  return true;
}

std::optional<instant> group_policy::next_due() const {
  std::optional<instant> due;
  if (const auto* waits = std::get_if<waiting>(&phase_)) {
    due = waits->due;
  } else if (const auto* rests = std::get_if<resting>(&phase_)) {
    due = rests->retry_at;
  }
  if (!timers_.empty()) {
    due = due ? std::min(*due, timers_.begin()->first) : timers_.begin()->first;
  }
  return due;
}

group_state group_policy::state() const {
  // In the order of the alternatives of `phase`.
  constexpr std::array names{
      group_state::idle,
      group_state::starting,
      group_state::up,
      group_state::restarting,
      group_state::restarting,
      group_state::restarting,
      group_state::going_down,
      group_state::down,
      group_state::stopping,
      group_state::stopped,
  };
  static_assert(names.size() == std::variant_size_v<phase>);
  return names[phase_.index()];
}

std::optional<instant> group_policy::retry_at() const {
  if (const auto* stops = std::get_if<giving_up>(&phase_)) {
    return stops->retry_at;
  }
  if (const auto* rests = std::get_if<resting>(&phase_)) {
    return rests->retry_at;
  }
  return std::nullopt;
}

std::optional<child_view> group_policy::child(child_id child) const {
  const auto found = positions_.find(child);
  if (found == positions_.end()) {
    return std::nullopt;
  }
  return view_of(members_.at(found->second));
}

std::vector<child_view> group_policy::children() const {
  std::vector<child_view> all;
  all.reserve(members_.size());
  for (const auto& [at, member] : members_) {
    all.push_back(view_of(member));
  }
  return all;
}

std::vector<failure_record> group_policy::failures(child_id child) const {
  const auto found = positions_.find(child);
  if (found == positions_.end()) {
    return {};
  }
  const auto& kept = members_.at(found->second).failures;
  return {kept.begin(), kept.end()};
}

child_view group_policy::view_of(const known_child& of) {
  return {
      .id = of.spec.id,
      .name = of.spec.name,
      .state = of.state,
      .generation = of.generation,
      .failures_in_row = of.failures_in_row};
}

} // namespace troupe::supervision
