#include "runtime/saga/machine.hpp"

#include "runtime/backoff.hpp"
#include "runtime/saga/bodies.hpp"
#include "runtime/saga/transition.hpp"
#include "runtime/wire/envelope.hpp"

#include <algorithm>
#include <functional>
#include <utility>

namespace troupe::saga {

namespace {

/// The time before try `attempt` + 1.
///
/// Up to a quarter less than the doubled back-off, by the saga's id, so that sagas which failed
/// together do not come back together.
milliseconds pause_after(const step& of, const tries& hand, const uuid& saga, const error& why) {
  const bool crashed = why.code == errc::crashed;
  const milliseconds full =
      backoff_after(hand.attempt, of.backoff, crashed ? crash_backoff_max : backoff_max);
  const auto share =
      static_cast<milliseconds::rep>((digest_of(saga.view()) >> (hand.attempt % 32)) % 256);
  const milliseconds spread = full - milliseconds{full.count() * share / 1024};
  // A longer `retry_after` is not obeyed: it is a breaker's guess, and an early try costs one
  // refusal.
  return std::max(spread, std::min(why.retry_after.value_or(spread), backoff_max));
}

// The tries of a command that its participant does not know, at a pause of 2 s most of the time:
// about ten minutes, which is longer than a rolling upgrade takes.
constexpr std::uint32_t unknown_max = 300;

/// Whether the participant does not know the command at all. During a rolling upgrade some of its
/// nodes do not, yet or any more.
bool is_unknown_there(errc code) {
  return code == errc::unknown_operation || code == errc::unknown_capability;
}

/// The answer of a saga that was undone because of `why`.
///
/// The inbox keeps it for the saga's id. A failure that had its moment is therefore told as a
/// refusal, with its code as the reason: the code itself would say "again, same id".
error last_word_on(error why) {
  // Whatever may have happened was undone, so the saga had no effect.
  why.possible = effect::none;
  if (!verdict_on(why.code).is_technical) {
    return why;
  }
  if (why.detail("reason").empty()) {
    why.details.emplace(why.details.begin(), "reason", name_of(why.code));
  }
  why.code = errc::rejected;
  why.retry_after.reset();
  why.is_final = false; // As every refusal is.
  return why;
}

bool is_running(const state& in) {
  return in.now == phase::forward || in.now == phase::undoing;
}

/// Whether a try is one of a command that is called, or undone, now.
bool is_in_hand(const state& in, const asked& which) {
  if (!is_running(in) || which.step >= in.steps.size() || !is_open(in, which.step)) {
    return false;
  }
  const step_state& step = in.steps[which.step];
  return which.undo == (in.now == phase::undoing)
         && which.round == (which.undo ? step.undo_round : step.round);
}

/// The step that what is about the whole saga is told of: one that is open, if any is.
std::uint32_t some_open_step(const state& in) {
  if (is_open(in, in.current)) {
    return in.current;
  }
  const auto open = open_steps(in);
  return open.empty() ? in.current : open.front();
}

/// Whether a command that must succeed in the end crashed too often to be asked again.
bool is_poison(const plan& by, const state& in, const failed& event) {
  const bool has_end = !event.to.undo && by.at(event.to.step).kind != step_kind::retriable;
  return !has_end && event.why.code == errc::crashed
         && in.steps[event.to.step].hand.crashes >= crashes_max;
}

error time_is_up(const plan& by, const state& current) {
  if (is_queued(current)) {
    return {
        .code = errc::deadline_exceeded,
        .message = "The saga's time was up before it was its turn; nothing was done."};
  }
  const std::uint32_t index = some_open_step(current);
  const std::string& name = by.at(index).name;
  error why{
      .code = errc::deadline_exceeded,
      .message = "The saga's time was up in step `" + name + "`; what it had done was undone.",
      .details = {{"step", name}}};
  if (const auto& last = current.steps[index].hand.last_failure) {
    why.details.emplace_back("last_failure", name_of(*last));
  }
  return why;
}

bool waits_for_word(const plan& by, const state& current) {
  const auto open = open_steps(current);
  return std::any_of(open.begin(), open.end(), [&by](std::uint32_t each) {
    return by.at(each).act == step_act::wait;
  });
}

class decision {
public:
  decision(const plan& by, state& current, wall_time now, std::vector<action>& actions)
      : plan_{by}, state_{current}, now_{now}, actions_{actions} {}

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

  void write(
      record_kind kind,
      std::uint32_t step,
      std::uint32_t round,
      std::uint32_t attempt = 0,
      std::string_view data = {});
  std::string_view encoded(const error& from);
  void enter(std::uint32_t first);
  bool begin(const stage& at);
  void go_on_after(std::uint32_t step);
  void finish_step(std::uint32_t step, std::uint32_t attempt, std::string body);
  void unpark(bool anew);
  void ask_in_hand(bool anew);
  void stand_still(const order& wanted);
  void skip(const order& wanted);
  void turn_back(error why, bool vouched);
  void intend(std::uint32_t step, std::uint32_t round);
  void intend_undo(std::uint32_t step, std::uint32_t round);
  void ask(std::uint32_t step);
  void ask_open();
  void wait_for(const asked& as);
  void try_again_later(std::uint32_t step, const error& why);
  void go_on(const failed& event);
  void give_up(std::uint32_t step, error why);
  void undo_next();
  void park_at(std::uint32_t step, error why);
  void watch(milliseconds left);
  void tell_answer();

  const plan& plan_;
  state& state_;
  wall_time now_;
  std::vector<action>& actions_;
};

void decision::write(
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

std::string_view decision::encoded(const error& from) {
  state_.error_data.clear();
  wire::append_error(state_.error_data, from);
  return state_.error_data;
}

void decision::intend(std::uint32_t step, std::uint32_t round) {
  const bool waits = !plan_.is_call(step);
  apply_intent(
      state_, step, round, waits ? due_data_of(now_ + plan_.at(step).deadline) : std::string{});
  write(record_kind::intent, step, round, 0, state_.steps[step].due_data);
  hand_of(step) = {.token = hand_of(step).token};
}

void decision::intend_undo(std::uint32_t step, std::uint32_t round) {
  apply_undo_intent(state_, step, round);
  write(record_kind::undo_intent, step, round);
  hand_of(step) = {.token = hand_of(step).token};
}

void decision::ask(std::uint32_t index) {
  step_state& step = state_.steps[index];
  const bool undo = state_.now == phase::undoing;
  const std::uint32_t round = undo ? step.undo_round : step.round;
  const asked as{.step = index, .undo = undo, .round = round, .attempt = step.hand.attempt};
  step.hand.in_flight = true;
  if (!plan_.is_call(index)) {
    return wait_for(as);
  }
  const uuid done_id = plan_.command_id(state_.saga, index, false, step.round);
  actions_.emplace_back(call{
      .as = as,
      .id = undo ? plan_.command_id(state_.saga, index, true, round) : done_id,
      .undoes = undo ? done_id : uuid{},
      .timeout = plan_.at(index).deadline});
}

void decision::wait_for(const asked& as) {
  const milliseconds most = plan_.at(as.step).deadline;
  const auto due = due_in(state_.steps[as.step].due_data).value_or(now_);
  const auto left = std::chrono::ceil<milliseconds>(due - now_);
  tries& hand = hand_of(as.step);
  // A timer that another owner, or an earlier round, has set is told by its token.
  hand.token = static_cast<std::uint32_t>(state_.next_seq);
  if (plan_.at(as.step).act == step_act::wait) {
    actions_.emplace_back(listen{as});
  }
  // No clock of another machine makes a saga wait for longer than its plan says.
  actions_.emplace_back(timer{
      .step = as.step, .token = hand.token, .delay = std::clamp(left, milliseconds{0}, most)});
}

/// Asks what is open and was just intended, or taken over.
void decision::ask_open() {
  for (const std::uint32_t step : open_steps(state_)) {
    ask(step);
  }
}

void decision::try_again_later(std::uint32_t step, const error& why) {
  tries& hand = hand_of(step);
  const milliseconds delay = pause_after(plan_.at(step), hand, state_.saga, why);
  actions_.emplace_back(timer{.step = step, .token = ++hand.token, .delay = delay});
}

void decision::watch(milliseconds left) {
  // Before the calls, as whoever carries the actions out may die between two of them.
  const auto first = std::find_if(actions_.begin(), actions_.end(), [](const action& each) {
    return !std::holds_alternative<journal>(each);
  });
  actions_.insert(first, watch_deadline{left});
}

void decision::on(started&& event) {
  if (state_.next_seq != 1) {
    return;
  }
  const milliseconds most = plan_.what().deadline;
  const bool takes_its_time = outlives_caller(plan_.what());
  const milliseconds given = takes_its_time ? most : event.within.value_or(most);
  const milliseconds within = std::clamp(given, milliseconds{0}, most);
  apply_started(state_, start_data_of(now_ + within, plan_.fingerprint(), event.input));
  write(record_kind::started, 0, 0, 0, state_.start_data);
  if (event.must_wait) {
    write(record_kind::queued, 0, 0);
  } else {
    enter(0);
  }
  watch(within);
}

void decision::on(const admitted&) {
  if (state_.now == phase::forward && is_queued(state_)) {
    enter(0);
  }
}

/// Begins the step `first` and those that are parallel to it; or, where the conditions of all are
/// false, the next ones. Behind the last one the saga is completed.
void decision::enter(std::uint32_t first) {
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

/// Intends the steps of a stage that are untouched, up to the first whose condition fails: the saga
/// is parked there, and the others follow when it goes on.
/// @return whether none failed.
bool decision::begin(const stage& at) {
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

void decision::on(answered&& event) {
  if (!is_in_hand(state_, event.to)) {
    return;
  }
  const auto& [step, undo, round, attempt] = event.to;
  if (!undo) {
    return finish_step(step, attempt, std::move(event.body));
  }
  apply_undone(state_, step);
  write(record_kind::undone, step, round, attempt);
  go_on_after(step);
}

void decision::finish_step(std::uint32_t step, std::uint32_t attempt, std::string body) {
  apply_done(state_, step, std::move(body));
  write(record_kind::done, step, state_.steps[step].round, attempt, state_.results[step]);
  go_on_after(step);
}

/// Goes on behind a step that is done, or undone, once those that began together with it are.
void decision::go_on_after(std::uint32_t step) {
  if (!open_steps(state_).empty()) {
    return;
  }
  if (state_.now == phase::undoing) {
    undo_next();
  } else {
    enter(plan_.stage_of(step).end);
  }
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
  hand.crashes += event.why.code == errc::crashed ? 1 : 0;
  if (is_poison(plan_, state_, event)) {
    event.why.message +=
        " (crashed in " + std::to_string(hand.crashes) + " tries; mend the cause, then resume)";
    return park_at(event.to.step, std::move(event.why));
  }
  go_on(event);
}

/// Decides after the failure of the try in hand: wait and retry, turn back, or park.
void decision::go_on(const failed& event) {
  const std::uint32_t index = event.to.step;
  const step& step = plan_.at(index);
  tries& hand = hand_of(index);
  const bool technical = is_momentary(event.why) && step.act == step_act::call;
  if (event.to.undo || step.kind == step_kind::retriable) {
    if (is_unknown_there(event.why.code) && ++hand.unknown < unknown_max) {
      return try_again_later(index, event.why);
    }
    if (technical) {
      try_again_later(index, event.why);
    } else {
      park_at(index, event.why);
    }
    return;
  }
  const bool tries_left = hand.attempt <= static_cast<std::uint32_t>(step.retries);
  // A pivot of unknown outcome is tried until the saga's time is up. A resumed saga has no
  // deadline: its tries are counted, and then it is parked again.
  const bool keep_asking = step.kind == step_kind::pivot && hand.maybe_done && state_.round == 0;
  if (technical && !hand.late && (tries_left || keep_asking)) {
    try_again_later(index, event.why);
  } else {
    give_up(index, event.why);
  }
}

/// Turns back because of a step: it, if it may have happened, and those that began together with it
/// are undone first.
void decision::give_up(std::uint32_t index, error why) {
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

/// Undoes the last step that is left to undo, and those that began together with it.
void decision::undo_next() {
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

void decision::park_at(std::uint32_t index, error why) {
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

void decision::on(const timer_due& event) {
  if (!is_running(state_) || event.step >= plan_.step_count() || !is_open(state_, event.step)) {
    return;
  }
  tries& hand = hand_of(event.step);
  if (event.token == 0 || event.token != hand.token) {
    return;
  }
  const step& step = plan_.at(event.step);
  if (step.act == step_act::timer) {
    return finish_step(event.step, hand.attempt, {});
  }
  if (step.act == step_act::wait) {
    const error unanswered = rejected(
        "unanswered",
        "Step `" + step.name + "` was not answered in " + duration_text(step.deadline));
    return step.kind == step_kind::retriable ? park_at(event.step, unanswered)
                                             : give_up(event.step, unanswered);
  }
  if (!hand.in_flight) {
    ++hand.attempt;
    ask(event.step);
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
  tries& hand = hand_of(index);
  if (hand.in_flight && step.kind == step_kind::pivot && step.undo.empty()) {
    // Wait for the pivot's answer, at most one try, instead of asking a person.
    hand.late = true;
    return;
  }
  hand.maybe_done = hand.maybe_done || hand.in_flight;
  give_up(index, time_is_up(plan_, state_));
}

void decision::on(const retry_by_operator& event) {
  if (state_.now != phase::parked) {
    return;
  }
  unpark(event.anew);
  ask_in_hand(event.anew);
}

/// Leaves the parked phase. The command in hand is as its former tries left it; of what began
/// together with it nothing is known.
void decision::unpark(bool anew) {
  const std::uint32_t round = state_.round + 1;
  apply_resumed(state_, round);
  write(record_kind::resumed, state_.current, round);
  for (const std::uint32_t step : open_steps(state_)) {
    hand_of(step) = {.token = hand_of(step).token, .maybe_done = true};
  }
  hand_of(state_.current).maybe_done = !anew && state_.why_parked->possible == effect::unknown;
}

/// Asks the command in hand in the saga's round, under its old id if it may have happened, and what
/// began together with it under its old id.
void decision::ask_in_hand(bool anew) {
  const std::uint32_t index = state_.current;
  const bool same_id = !anew && hand_of(index).maybe_done;
  const step_state& step = state_.steps[index];
  if (state_.now == phase::undoing) {
    intend_undo(index, same_id ? step.undo_round : state_.round);
  } else if (is_queued(state_)) {
    return enter(0);
  } else {
    const auto holds = same_id ? true : condition_of(plan_, state_, index);
    if (holds && !*holds) {
      apply_passed(state_, index);
      write(record_kind::passed, index, state_.round);
      if (begin(plan_.stage_of(index))) {
        ask_open();
        go_on_after(index);
      }
      return;
    }
    intend(index, same_id ? step.round : state_.round);
    if (!holds) {
      return park_at(index, holds.error());
    }
  }
  hand_of(index).maybe_done = same_id;
  if (state_.now == phase::undoing || begin(plan_.stage_of(index))) {
    ask_open();
  }
}

void decision::on(const ordered& event) {
  if (!may_obey(plan_, state_, event.what)) {
    return;
  }
  state_.order_data = wire::encoded(event.what);
  write(record_kind::ordered, state_.current, state_.round, 0, state_.order_data);
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
        ask(step);
      }
    }
    return;
  case verb::pause:
  case verb::park:
    return stand_still(event.what);
  case verb::skip:
    return skip(event.what);
  case verb::compensate:
    return turn_back(
        rejected("compensate", "by " + event.what.who + ": " + event.what.why), event.what.vouched);
  }
}

void decision::stand_still(const order& wanted) {
  const std::uint32_t index = some_open_step(state_);
  tries& hand = hand_of(index);
  hand.maybe_done = hand.maybe_done || hand.in_flight;
  const std::string_view verb = wire::word_of(wanted.what);
  park_at(index, rejected(std::string{verb}, "by " + wanted.who + ": " + wanted.why));
}

void decision::skip(const order& wanted) {
  std::uint32_t index = 0;
  for (const std::uint32_t step : open_steps(state_)) {
    index = plan_.at(step).name == wanted.step ? step : index;
  }
  const bool was_parked = state_.now == phase::parked;
  if (was_parked) {
    unpark(false);
  }
  const bool undo = state_.now == phase::undoing;
  const step_state& step = state_.steps[index];
  write(record_kind::skipped, index, undo ? step.undo_round : step.round);
  apply_skipped(state_, index);
  if (was_parked && index != state_.current && is_open(state_, state_.current)) {
    return ask_in_hand(false); // Its condition may not be known yet.
  }
  if (was_parked) {
    if (!undo && !begin(plan_.stage_of(index))) {
      return;
    }
    ask_open();
  }
  go_on_after(index);
}

void decision::turn_back(error why, bool vouched) {
  if (state_.now == phase::parked) {
    unpark(vouched);
  }
  const std::uint32_t index = some_open_step(state_);
  tries& hand = hand_of(index);
  hand.maybe_done = hand.in_flight || (hand.maybe_done && !vouched);
  give_up(index, std::move(why));
}

void decision::on(given_up&& event) {
  if (!is_running(state_) || state_.next_seq == 1) {
    return;
  }
  const std::uint32_t index = event.step.value_or(some_open_step(state_));
  tries& hand = hand_of(index);
  hand.maybe_done = hand.maybe_done || event.maybe_done;
  park_at(index, std::move(event.why));
}

void decision::on(const recalled&) {
  error why = rejected("recalled", "The saga that this one is a step of undid it.");
  if (state_.now == phase::completed) {
    write(record_kind::recalled, plan_.step_count() - 1, state_.round, 0, encoded(why));
    apply_recalled(state_, std::move(why));
    undo_next();
  } else if (state_.next_seq > 1 && !state_.is_over() && !is_turned_back(state_)) {
    turn_back(std::move(why), false);
  }
}

void decision::on(const taken_over&) {
  if (state_.next_seq == 1) {
    return;
  }
  if (state_.is_over()) {
    tell_answer();
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
  // The former owner may have called what is open: only an answer tells.
  for (const std::uint32_t each : open_steps(state_)) {
    hand_of(each) = {.token = hand_of(each).token, .maybe_done = true};
  }
  const step& step = plan_.at(index);
  const bool has_deadline = step.kind != step_kind::retriable || is_queued(state_);
  if (state_.now == phase::forward && state_.round == 0 && has_deadline) {
    const auto left = std::chrono::ceil<milliseconds>(state_.deadline - now_);
    if (left > milliseconds{0}) {
      // No clock of another machine makes a saga wait for longer than its plan says.
      watch(std::min(left, plan_.what().deadline));
    } else if (step.kind == step_kind::pivot && step.undo.empty()) {
      hand_of(index).late = true;
    } else if (waits_for_word(plan_, state_)) {
      watch(milliseconds{0}); // What was said in time is heard first.
    } else {
      return give_up(index, time_is_up(plan_, state_));
    }
  }
  ask_open();
}

void decision::tell_answer() {
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

} // namespace

void decide(
    const plan& by, state& current, event what, wall_time now, std::vector<action>& actions) {
  actions.clear();
  decision made{by, current, now, actions};
  std::visit([&made](auto& each) { made.on(std::move(each)); }, what);
}

} // namespace troupe::saga
