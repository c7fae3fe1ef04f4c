#include "runtime/saga/machine.hpp"

#include "runtime/saga/bodies.hpp"
#include "runtime/saga/failures.hpp"
#include "runtime/saga/moves.hpp"
#include "runtime/saga/transition.hpp"

#include <algorithm>
#include <utility>

namespace troupe::saga {

namespace {

bool is_running(const state& in) {
  return in.now == phase::forward || in.now == phase::undoing;
}

/// Whether a try belongs to a command that is being called or undone now.
bool is_in_hand(const state& in, const asked& which) {
  if (!is_running(in) || which.step >= in.steps.size() || !is_open(in, which.step)) {
    return false;
  }
  const step_state& step = in.steps[which.step];
  return which.undo == (in.now == phase::undoing)
         && which.round == (which.undo ? step.undo_round : step.round);
}

bool waits_for_word(const plan& by, const state& current) {
  const auto open = open_steps(current);
  return std::ranges::any_of(
      open, [&by](std::uint32_t each) { return by.at(each).act == step_act::wait; });
}

class decision {
public:
  decision(const plan& by, state& current, const moment& now, std::vector<action>& actions)
      : plan_{by}, state_{current}, now_{now}, actions_{actions}, moves_{
                                                                      by, current, now, actions} {}

  void on(started&& event);
  void on(const admitted&);
  void on(answered&& event);
  void on(failed&& event);
  void on(const timer_due& event);
  void on(const deadline_reached&);
  void on(const retry_by_operator& event);
  void on(given_up&& event);
  void on(const ordered& event);
  void on(const recalled&);
  void on(const taken_over&);

private:
  tries& hand_of(std::uint32_t step) { return state_.steps[step].hand; }

  void go_on(const failed& event);
  void unpark(bool anew);
  void wait_anew();
  void ask_in_hand(bool anew);
  void stand_still(const order& wanted);
  void skip(const order& wanted);
  void turn_back(error why, bool vouched);

  const plan& plan_;
  state& state_;
  moment now_;
  std::vector<action>& actions_;
  moves moves_;
};

void decision::on(started&& event) {
  if (state_.next_seq != 1) {
    return;
  }
  const milliseconds most = plan_.what().deadline;
  const bool takes_its_time = outlives_caller(plan_.what());
  const milliseconds given = takes_its_time ? most : event.within.value_or(most);
  const milliseconds within = std::clamp(given, milliseconds{0}, most);
  apply_started(state_, start_data_of(now_.latest() + within, plan_.fingerprint(), event.input));
  moves_.write(record_kind::started, 0, 0, 0, state_.start_data);
  if (event.must_wait) {
    moves_.write(record_kind::queued, 0, 0);
  } else {
    moves_.enter(0);
  }
  moves_.watch(within);
}

void decision::on(const admitted&) {
  if (state_.now == phase::forward && is_queued(state_)) {
    moves_.enter(0);
  }
}

void decision::on(answered&& event) {
  if (!is_in_hand(state_, event.to)) {
    return;
  }
  const auto& [step, undo, round, attempt] = event.to;
  if (!undo) {
    return moves_.finish_step(step, attempt, std::move(event.body));
  }
  apply_undone(state_, step);
  moves_.write(record_kind::undone, step, round, attempt);
  moves_.go_on_after(step);
}

void decision::on(failed&& event) {
  // Ignore an earlier try's failure: the try in flight will bring its own answer.
  if (!is_in_hand(state_, event.to) || !hand_of(event.to.step).in_flight
      || event.to.attempt != hand_of(event.to.step).attempt) {
    return;
  }
  tries& hand = hand_of(event.to.step);
  hand.in_flight = false;
  hand.last_failure = event.why.code;
  if (event.why.possible == effect::unknown) {
    hand.maybe_done = true;
  } else if (event.why.code == errc::rejected || event.why.is_final) {
    // The inbox gives one answer per id, so this is also the answer to the tries before.
    hand.maybe_done = false;
  }
  if (is_of_other_request(event.why) && plan_.is_call(event.to.step)) {
    hand.maybe_done = true;
    return moves_.park_at(event.to.step, other_request(plan_, event.to, std::move(event.why)));
  }
  hand.crashes += event.why.code == errc::crashed ? 1 : 0;
  if (is_poison(plan_, state_, event)) {
    event.why.message +=
        " (crashed in " + std::to_string(hand.crashes) + " tries; mend the cause, then resume)";
    return moves_.park_at(event.to.step, std::move(event.why));
  }
  go_on(event);
}

/// Decides after the failure of the current try: wait and retry, turn back, or park.
void decision::go_on(const failed& event) {
  const std::uint32_t index = event.to.step;
  const step& step = plan_.at(index);
  tries& hand = hand_of(index);
  const bool technical = is_momentary(event.why) && step.act == step_act::call;
  if (event.to.undo || step.kind == step_kind::retriable) {
    if (is_unknown_there(event.why.code) && ++hand.unknown < unknown_max) {
      return moves_.try_again_later(index, event.why);
    }
    if (technical) {
      moves_.try_again_later(index, event.why);
    } else {
      moves_.park_at(index, event.why);
    }
    return;
  }
  const bool tries_left = hand.attempt <= static_cast<std::uint32_t>(step.retries);
  // A pivot of unknown outcome is retried until the saga's deadline. A resumed saga has no
  // deadline: its tries are counted, and then it is parked again.
  const bool keep_asking = step.kind == step_kind::pivot && hand.maybe_done && state_.round == 0;
  if (technical && !hand.late && (tries_left || keep_asking)) {
    moves_.try_again_later(index, event.why);
  } else {
    moves_.give_up(index, event.why);
  }
}

void decision::on(const timer_due& event) {
  if (!is_running(state_) || event.step >= plan_.step_count() || !is_open(state_, event.step)) {
    return;
  }
  tries& hand = hand_of(event.step);
  if (event.token == 0 || event.token != hand.token) {
    return;
  }
  const step& step = plan_.at(event.step);
  if (!plan_.is_call(event.step) && moves_.waits_on(event.step)) {
    return;
  }
  if (step.act == step_act::timer) {
    return moves_.finish_step(event.step, hand.attempt, {});
  }
  if (step.act == step_act::wait) {
    const error unanswered = rejected(
        "unanswered",
        "Step `" + step.name + "` was not answered in " + duration_text(step.deadline));
    return step.kind == step_kind::retriable ? moves_.park_at(event.step, unanswered)
                                             : moves_.give_up(event.step, unanswered);
  }
  if (!hand.in_flight) {
    ++hand.attempt;
    moves_.ask(event.step);
  }
}

void decision::on(const deadline_reached&) {
  if (state_.now != phase::forward || state_.next_seq == 1 || state_.round > 0) {
    return;
  }
  const std::uint32_t index = some_open_step(state_);
  const step& step = plan_.at(index);
  if (step.kind == step_kind::retriable && !is_queued(state_)) {
    return;
  }
  if (const auto next = look_again(state_.left, state_.deadline, now_)) {
    return moves_.watch(*next);
  }
  tries& hand = hand_of(index);
  if (hand.in_flight && step.kind == step_kind::pivot && step.undo.empty()) {
    // Wait for the pivot's answer, for at most one try, instead of asking a person.
    hand.late = true;
    return;
  }
  hand.maybe_done = hand.maybe_done || hand.in_flight;
  moves_.give_up(index, time_is_up(plan_, state_));
}

void decision::on(const retry_by_operator& event) {
  if (state_.now != phase::parked) {
    return;
  }
  unpark(event.anew);
  wait_anew();
  ask_in_hand(event.anew);
}

/// Leaves the parked phase. The open command is as its former tries left it; nothing is known of
/// those that began together with it.
void decision::unpark(bool anew) {
  const std::uint32_t round = state_.round + 1;
  apply_resumed(state_, round);
  moves_.write(record_kind::resumed, state_.current, round);
  for (const std::uint32_t step : open_steps(state_)) {
    hand_of(step) = {.token = hand_of(step).token, .maybe_done = true};
  }
  hand_of(state_.current).maybe_done = !anew && state_.why_parked->possible == effect::unknown;
}

/// Gives the steps that wait beside the resumed one their whole time again, as that one gets it:
/// the time for which a person held the saga must not count against them.
void decision::wait_anew() {
  for (const std::uint32_t step : open_steps(state_)) {
    if (step != state_.current && plan_.at(step).act == step_act::wait) {
      moves_.wait_anew(step);
    }
  }
}

/// Asks the resumed command in the saga's round, under its old id if it may have happened, and
/// those that began together with it under their old ids.
void decision::ask_in_hand(bool anew) {
  const std::uint32_t index = state_.current;
  const bool same_id = !anew && hand_of(index).maybe_done;
  const step_state& step = state_.steps[index];
  if (state_.now == phase::undoing) {
    moves_.intend_undo(index, same_id ? step.undo_round : state_.round);
  } else if (is_queued(state_)) {
    return moves_.enter(0);
  } else {
    const auto holds = same_id ? true : condition_of(plan_, state_, index);
    if (holds && !*holds) {
      apply_passed(state_, index);
      moves_.write(record_kind::passed, index, state_.round);
      if (moves_.begin(plan_.stage_of(index))) {
        moves_.ask_open();
        moves_.go_on_after(index);
      }
      return;
    }
    moves_.intend(index, same_id ? step.round : state_.round);
    if (!holds) {
      return moves_.park_at(index, holds.error());
    }
  }
  hand_of(index).maybe_done = same_id;
  if (state_.now == phase::undoing || moves_.begin(plan_.stage_of(index))) {
    moves_.ask_open();
  }
}

void decision::on(const ordered& event) {
  if (!may_obey(plan_, state_, event.what)) {
    return;
  }
  state_.order_data = wire::encoded(event.what);
  moves_.write(record_kind::ordered, state_.current, state_.round, 0, state_.order_data);
  switch (event.what.what) {
  case verb::resume:
  case verb::retry:
    if (state_.now == phase::parked) {
      return on(retry_by_operator{event.what.vouched});
    }
    for (const std::uint32_t step : open_steps(state_)) {
      tries& hand = hand_of(step);
      if (!hand.in_flight) {
        ++hand.attempt;
        ++hand.token; // The timer that runs is void.
        moves_.ask(step);
      }
    }
    return;
  case verb::pause:
  case verb::park:
    return stand_still(event.what);
  case verb::skip:
    return skip(event.what);
  case verb::compensate: {
    error why = rejected("compensate", "by " + event.what.who + ": " + event.what.why);
    why.details.emplace_back("fault", "ordered"); // The words are not for whoever began the saga.
    return turn_back(why, event.what.vouched);
  }
  }
}

void decision::stand_still(const order& wanted) {
  const std::uint32_t index = some_open_step(state_);
  tries& hand = hand_of(index);
  hand.maybe_done = hand.maybe_done || hand.in_flight;
  const std::string_view verb = wire::word_of(wanted.what);
  moves_.park_at(index, rejected(std::string{verb}, "by " + wanted.who + ": " + wanted.why));
}

void decision::skip(const order& wanted) {
  std::uint32_t index = 0;
  for (const std::uint32_t step : open_steps(state_)) {
    index = plan_.at(step).name == wanted.step ? step : index;
  }
  const bool was_parked = state_.now == phase::parked;
  if (was_parked) {
    unpark(false);
    wait_anew();
  }
  const bool undo = state_.now == phase::undoing;
  const step_state& step = state_.steps[index];
  moves_.write(record_kind::skipped, index, undo ? step.undo_round : step.round);
  apply_skipped(state_, index);
  if (was_parked && index != state_.current && is_open(state_, state_.current)) {
    return ask_in_hand(false); // Its condition may not be known yet.
  }
  if (was_parked) {
    if (!undo && !moves_.begin(plan_.stage_of(index))) {
      return;
    }
    moves_.ask_open();
  }
  moves_.go_on_after(index);
}

void decision::turn_back(error why, bool vouched) {
  if (state_.now == phase::parked) {
    unpark(vouched);
  }
  const std::uint32_t index = some_open_step(state_);
  tries& hand = hand_of(index);
  hand.maybe_done = hand.in_flight || (hand.maybe_done && !vouched);
  moves_.give_up(index, std::move(why));
}

void decision::on(given_up&& event) {
  if (!is_running(state_) || state_.next_seq == 1) {
    return;
  }
  const std::uint32_t index = event.step.value_or(some_open_step(state_));
  tries& hand = hand_of(index);
  hand.maybe_done = hand.maybe_done || event.maybe_done;
  moves_.park_at(index, std::move(event.why));
}

void decision::on(const recalled&) {
  error why = rejected("recalled", "The saga that this one is a step of undid it.");
  if (state_.now == phase::completed) {
    moves_.write(
        record_kind::recalled, plan_.step_count() - 1, state_.round, 0, moves_.encoded(why));
    apply_recalled(state_, std::move(why));
    moves_.undo_next();
  } else if (state_.next_seq > 1 && !state_.is_over() && !is_turned_back(state_)) {
    turn_back(std::move(why), false);
  }
}

void decision::on(const taken_over&) {
  if (state_.next_seq == 1) {
    return;
  }
  if (state_.is_over()) {
    moves_.tell_answer();
    return;
  }
  const std::uint32_t index = some_open_step(state_);
  if (state_.now == phase::parked) {
    const bool undo = state_.before_parked == phase::undoing;
    const step_state& step = state_.steps[index];
    actions_.emplace_back(park{
        .at = {.step = index, .undo = undo, .round = undo ? step.undo_round : step.round},
        .reason = *state_.why_parked});
    return;
  }
  // The former owner may have made the open calls: only an answer shows it. Calls in flight were
  // made by this owner, on a person's order.
  for (const std::uint32_t each : open_steps(state_)) {
    if (!hand_of(each).in_flight) {
      hand_of(each) = {.token = hand_of(each).token, .maybe_done = true};
    }
  }
  const step& step = plan_.at(index);
  const bool has_deadline = step.kind != step_kind::retriable || is_queued(state_);
  if (state_.now == phase::forward && state_.round == 0 && has_deadline) {
    // Another machine's clock must not make a saga wait longer than its plan says.
    state_.left = {.most = plan_.what().deadline};
    if (const auto next = look_again(state_.left, state_.deadline, now_)) {
      moves_.watch(*next);
    } else if (is_open(state_, index) && step.kind == step_kind::pivot && step.undo.empty()) {
      hand_of(index).late = true;
    } else if (waits_for_word(plan_, state_)) {
      moves_.watch(milliseconds{0}); // A message that came in time counts first.
    } else {
      tries& hand = hand_of(index);
      hand.maybe_done = hand.maybe_done || hand.in_flight;
      return moves_.give_up(index, time_is_up(plan_, state_));
    }
  }
  moves_.ask_open();
}

} // namespace

void decide(
    const plan& by, state& current, event what, const moment& now, std::vector<action>& actions) {
  actions.clear();
  decision made{by, current, now, actions};
  std::visit([&made](auto& each) { made.on(std::move(each)); }, what);
}

} // namespace troupe::saga
