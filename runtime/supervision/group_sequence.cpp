#include "runtime/supervision/group_sequence.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

namespace troupe::supervision {

namespace {

constexpr group_sequence::position behind_all =
    std::numeric_limits<group_sequence::position>::max();

} // namespace

std::optional<group_sequence::step>
group_sequence::next(const std::vector<supervised_child>& children, instant now) {
  if (auto* starts = std::get_if<first_start>(&phase_)) {
    return next_start(starts->next, child_state::fresh, children);
  }
  if (auto* part = std::get_if<stopping_part>(&phase_)) {
    if (has_any_left(children, part->from, part->below)) {
      return next_stop(children[part->below - 1], part->below - 1);
    }
    phase_ = waiting{part->from, part->due};
  }
  if (const auto* waits = std::get_if<waiting>(&phase_); waits != nullptr && now >= waits->due) {
    phase_ = restart_start{waits->from};
  }
  if (auto* starts = std::get_if<restart_start>(&phase_)) {
    return next_start(starts->next, child_state::ended, children);
  }
  if (auto* stops = std::get_if<giving_up>(&phase_)) {
    if (has_any_left(children, 0, stops->below)) {
      return next_stop(children[stops->below - 1], stops->below - 1);
    }
    phase_ = resting{stops->retry_at};
  }
  const auto* rests = std::get_if<resting>(&phase_);
  return rests != nullptr && now >= rests->retry_at ? std::optional<step>{try_again{}}
                                                    : std::nullopt;
}

std::optional<group_sequence::step> group_sequence::next_start(
    position& next, child_state startable, const std::vector<supervised_child>& children) {
  if (next > 0) {
    const child_state before = children[next - 1].state;
    if (before == child_state::starting || before == child_state::stopping) {
      return std::nullopt;
    }
  }
  const auto is_startable = [&](const supervised_child& each) {
    return each.state == child_state::fresh || each.state == startable;
  };
  const auto found = std::find_if(
      children.begin() + static_cast<std::ptrdiff_t>(next), children.end(), is_startable);
  if (found != children.end()) {
    next = static_cast<position>(found - children.begin()) + 1;
    return start_next{next - 1};
  }
  phase_ = all_up{};
  return std::exchange(has_been_up_, true) ? std::nullopt : std::optional<step>{all_are_up{}};
}

std::optional<group_sequence::step>
group_sequence::next_stop(const supervised_child& last, position at) {
  return last.state == child_state::stopping ? std::nullopt : std::optional<step>{stop_next{at}};
}

bool group_sequence::has_any_left(
    const std::vector<supervised_child>& children, position from, position& below) {
  below = std::min(below, children.size());
  while (below > from && !children[below - 1].has_process()) {
    --below;
  }
  return below > from;
}

void group_sequence::begin() {
  has_been_up_ = false;
  phase_ = first_start{};
}

void group_sequence::restart_from(position first, instant due) {
  position below = behind_all;
  if (const auto* part = std::get_if<stopping_part>(&phase_)) {
    first = std::min(first, part->from);
    below = part->below;
    due = std::max(due, part->due);
  } else if (const auto* waits = std::get_if<waiting>(&phase_)) {
    first = std::min(first, waits->from);
    due = std::max(due, waits->due);
  }
  phase_ = stopping_part{first, below, due};
}

void group_sequence::give_up(instant retry_at) {
  phase_ = giving_up{behind_all, retry_at};
}

bool group_sequence::is_first_start_of(position child) const {
  const auto* starts = std::get_if<first_start>(&phase_);
  return starts != nullptr && starts->next == child + 1;
}

bool group_sequence::is_being_stopped(position child) const {
  if (const auto* part = std::get_if<stopping_part>(&phase_)) {
    return child >= part->from;
  }
  if (const auto* waits = std::get_if<waiting>(&phase_)) {
    return child >= waits->from;
  }
  return std::holds_alternative<giving_up>(phase_);
}

std::optional<instant> group_sequence::next_due() const {
  if (const auto* waits = std::get_if<waiting>(&phase_)) {
    return waits->due;
  }
  if (const auto* rests = std::get_if<resting>(&phase_)) {
    return rests->retry_at;
  }
  return std::nullopt;
}

group_state group_sequence::state() const {
  // The names, in the order of the alternatives of `phase`.
  constexpr std::array names{
      group_state::idle,
      group_state::starting,
      group_state::up,
      group_state::restarting,
      group_state::restarting,
      group_state::restarting,
      group_state::going_down,
      group_state::down,
  };
  static_assert(names.size() == std::variant_size_v<phase>);
  return names[phase_.index()];
}

} // namespace troupe::supervision
