#include "runtime/saga/moves.hpp"

#include "runtime/saga/bodies.hpp"
#include "runtime/saga/failures.hpp"
#include "runtime/saga/transition.hpp"
#include "runtime/wire/envelope.hpp"

#include <algorithm>
#include <utility>

namespace troupe::saga {

void moves::write(
    record_kind kind,
    std::uint32_t step,
    std::uint32_t round,
    std::uint32_t attempt,
    std::string_view data) {
  actions_.emplace_back(journal{
      {.seq = state_.next_seq++,
       .kind = kind,
       .step = step,
       .round = round,
       .attempt = attempt,
       .data = data}});
}

std::string_view moves::encoded(const error& from) {
  state_.error_data.clear();
  wire::append_error(state_.error_data, from);
  return state_.error_data;
}

void moves::intend(std::uint32_t step, std::uint32_t round) {
  const bool waits = !plan_.is_call(step);
  apply_intent(
      state_,
      step,
      round,
      waits ? due_data_of(now_.latest() + plan_.at(step).deadline) : std::string{});
  write(record_kind::intent, step, round, 0, state_.steps[step].due_data);
  hand_of(step) = {.token = hand_of(step).token};
}

void moves::wait_anew(std::uint32_t step) {
  apply_wait_anew(state_, step, due_data_of(now_.latest() + plan_.at(step).deadline));
  write(record_kind::intent, step, state_.steps[step].round, 0, state_.steps[step].due_data);
}

void moves::intend_undo(std::uint32_t step, std::uint32_t round) {
  apply_undo_intent(state_, step, round);
  write(record_kind::undo_intent, step, round);
  hand_of(step) = {.token = hand_of(step).token};
}

void moves::ask(std::uint32_t index) {
  hand_of(index).in_flight = true;
  const call wanted = command_of(plan_, state_, index, state_.now == phase::undoing);
  if (!plan_.is_call(index)) {
    return wait_for(wanted.as);
  }
  actions_.emplace_back(wanted);
}

void moves::wait_for(const asked& as) {
  tries& hand = hand_of(as.step);
  // Another machine's clock must not make a saga wait longer than its plan says.
  hand.left = {.most = plan_.at(as.step).deadline};
  const milliseconds next = look_again(as.step).value_or(milliseconds{0});
  // A timer set by another owner, or in an earlier round, is recognized by its token.
  hand.token = static_cast<std::uint32_t>(state_.next_seq);
  if (plan_.at(as.step).act == step_act::wait) {
    actions_.emplace_back(listen{as});
  }
  actions_.emplace_back(timer{.step = as.step, .token = hand.token, .delay = next});
}

bool moves::waits_on(std::uint32_t step) {
  const auto next = look_again(step);
  if (next) {
    actions_.emplace_back(timer{.step = step, .token = hand_of(step).token, .delay = *next});
  }
  return next.has_value();
}

std::optional<milliseconds> moves::look_again(std::uint32_t step) {
  const auto due = due_in(state_.steps[step].due_data);
  return due ? saga::look_again(hand_of(step).left, *due, now_) : std::nullopt;
}

void moves::ask_open() {
  for (const std::uint32_t step : open_steps(state_)) {
    if (!hand_of(step).in_flight) {
      ask(step);
    }
  }
}

void moves::try_again_later(std::uint32_t step, const error& why) {
  tries& hand = hand_of(step);
  const milliseconds delay = pause_after(plan_.at(step), hand, state_.saga, why);
  actions_.emplace_back(timer{.step = step, .token = ++hand.token, .delay = delay});
}

void moves::watch(milliseconds left) {
  // The watch comes before the calls, since the process that carries out the actions may die
  // between two of them.
  const auto first = std::ranges::find_if(
      actions_, [](const action& each) { return !std::holds_alternative<journal>(each); });
  actions_.insert(first, watch_deadline{left});
}

void moves::enter(std::uint32_t first) {
  while (first < plan_.step_count()) {
    const stage at = plan_.stage_of(first);
    if (!begin(at)) {
      return;
    }
    if (is_open(state_, state_.current)) {
      return ask_open();
    }
    first = at.end;
  }
  apply_completed(state_);
  write(record_kind::completed, plan_.step_count() - 1, state_.round);
  tell_answer();
}

bool moves::begin(const stage& at) {
  for (std::uint32_t i = at.first; i < at.end; ++i) {
    if (state_.steps[i].status != step_status::untouched) {
      continue;
    }
    const auto holds = condition_of(plan_, state_, i);
    if (holds && !*holds) {
      apply_passed(state_, i);
      write(record_kind::passed, i, state_.round);
      continue;
    }
    intend(i, state_.round);
    if (!holds) {
      park_at(i, holds.error());
      return false;
    }
  }
  return true;
}

void moves::finish_step(std::uint32_t step, std::uint32_t attempt, std::string body) {
  apply_done(state_, step, std::move(body));
  write(record_kind::done, step, state_.steps[step].round, attempt, state_.results[step]);
  go_on_after(step);
}

void moves::go_on_after(std::uint32_t step) {
  if (!open_steps(state_).empty()) {
    return;
  }
  if (state_.now == phase::undoing) {
    undo_next();
  } else {
    enter(plan_.stage_of(step).end);
  }
}

void moves::give_up(std::uint32_t index, error why) {
  const step& step = plan_.at(index);
  const bool maybe_done = plan_.is_call(index) && hand_of(index).maybe_done;
  if (maybe_done && step.kind == step_kind::pivot && step.undo.empty()) {
    return park_at(index, std::move(why));
  }
  why.possible = maybe_done ? effect::unknown : effect::none;
  write(
      record_kind::failed, index, state_.steps[index].round, hand_of(index).attempt, encoded(why));
  apply_failed(state_, index, std::move(why));
  undo_next();
}

void moves::undo_next() {
  auto next = next_to_undo(plan_, state_);
  if (!next) {
    apply_compensated(state_);
    write(record_kind::compensated, state_.current, state_.round);
    return tell_answer();
  }
  const stage at = plan_.stage_of(*next);
  for (; next && *next >= at.first; next = next_to_undo(plan_, state_)) {
    intend_undo(*next, state_.round);
  }
  ask_open();
}

void moves::park_at(std::uint32_t index, error why) {
  const bool undo = state_.now == phase::undoing;
  const std::uint32_t round = undo ? state_.steps[index].undo_round : state_.steps[index].round;
  const std::uint32_t attempt = hand_of(index).attempt;
  const bool maybe_done = plan_.is_call(index) && hand_of(index).maybe_done;
  why.possible = maybe_done ? effect::unknown : effect::none;
  write(record_kind::parked, index, round, attempt, encoded(why));
  apply_parked(state_, index, why);
  actions_.emplace_back(park{
      .at = {.step = index, .undo = undo, .round = round, .attempt = attempt},
      .reason = std::move(why)});
}

void moves::tell_answer() {
  if (state_.now == phase::compensated) {
    actions_.emplace_back(finish{failure{last_word_on(*state_.why)}});
    return;
  }
  auto answer = answer_of(plan_, state_);
  if (!answer) {
    // All steps are done, so a refusal by the author's function must not look like one of the saga.
    answer.error().code = errc::internal;
    answer.error().possible = effect::unknown;
    answer.error().is_final = true;
  }
  actions_.emplace_back(finish{std::move(answer)});
}

} // namespace troupe::saga
