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

class decision {
public:
  decision(const plan& by, state& current, std::vector<action>& actions)
      : plan_{by}, state_{current}, actions_{actions} {}

  void on(started&& event);
  void on(answered&& event);
  void on(failed&& event);
  void on(const timer_due& event);
  void on(const deadline_reached&);
  void on(const retry_by_operator& event);
  void on(given_up&& event);
  void on(const ordered& event);
  void on(const taken_over& event);

private:
  const step& step_in_hand() const { return plan_.at(state_.current); }

  bool is_in_hand(const asked& which) const;
  void write(
      record_kind kind,
      std::uint32_t step,
      std::uint32_t round,
      std::uint32_t attempt = 0,
      std::string_view data = {});
  std::string_view encoded(const error& from);
  void go_on_after(std::uint32_t step);
  void unpark(bool anew);
  void ask_in_hand(bool anew);
  void stand_still(const order& wanted);
  void skip();
  void turn_back(const order& wanted);
  void intend(std::uint32_t step, std::uint32_t round);
  void intend_undo(std::uint32_t step, std::uint32_t round);
  void ask();
  void try_again_later(const error& why);
  void go_on(const failed& event);
  bool is_poison(const failed& event) const;
  void give_up(error why);
  void undo_below(std::uint32_t step);
  void park_for(error why);
  error time_is_up() const;
  void tell_answer();

  const plan& plan_;
  state& state_;
  std::vector<action>& actions_;
};

bool decision::is_in_hand(const asked& which) const {
  if (which.step != state_.current) {
    return false;
  }
  const step_state& step = state_.steps[which.step];
  if (which.undo) {
    return state_.now == phase::undoing && step.status == step_status::undo_asked
           && step.undo_round == which.round;
  }
  return state_.now == phase::forward && step.status == step_status::asked
         && step.round == which.round;
}

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
  apply_intent(state_, step, round);
  write(record_kind::intent, step, round);
  state_.hand = {.token = state_.hand.token};
}

void decision::intend_undo(std::uint32_t step, std::uint32_t round) {
  apply_undo_intent(state_, step, round);
  write(record_kind::undo_intent, step, round);
  state_.hand = {.token = state_.hand.token};
}

void decision::ask() {
  const std::uint32_t index = state_.current;
  const step_state& step = state_.steps[index];
  const bool undo = state_.now == phase::undoing;
  const uuid done_id = plan_.command_id(state_.saga, index, false, step.round);
  const std::uint32_t round = undo ? step.undo_round : step.round;
  state_.hand.in_flight = true;
  actions_.emplace_back(call{
      .as = {.step = index, .undo = undo, .round = round, .attempt = state_.hand.attempt},
      .id = undo ? plan_.command_id(state_.saga, index, true, round) : done_id,
      .undoes = undo ? done_id : uuid{},
      .timeout = plan_.at(index).deadline});
}

void decision::try_again_later(const error& why) {
  const milliseconds delay = pause_after(step_in_hand(), state_.hand, state_.saga, why);
  actions_.emplace_back(timer{.token = ++state_.hand.token, .delay = delay});
}

void decision::on(started&& event) {
  if (state_.next_seq != 1) {
    return;
  }
  const milliseconds most = plan_.what().deadline;
  const milliseconds within = std::clamp(event.within.value_or(most), milliseconds{0}, most);
  apply_started(state_, start_data_of(event.now + within, plan_.fingerprint(), event.input));
  write(record_kind::started, 0, 0, 0, state_.start_data);
  intend(0, 0);
  actions_.emplace_back(watch_deadline{within});
  ask();
}

void decision::on(answered&& event) {
  if (!is_in_hand(event.to)) {
    return;
  }
  const auto& [step, undo, round, attempt] = event.to;
  if (undo) {
    apply_undone(state_, step);
    write(record_kind::undone, step, round, attempt);
    undo_below(step);
    return;
  }
  apply_done(state_, step, std::move(event.body));
  write(record_kind::done, step, round, attempt, state_.results[step]);
  go_on_after(step);
}

/// Goes on behind a step that is done.
void decision::go_on_after(std::uint32_t step) {
  if (step + 1 < plan_.step_count()) {
    intend(step + 1, state_.round);
    ask();
    return;
  }
  apply_completed(state_);
  write(record_kind::completed, step, state_.round);
  tell_answer();
}

void decision::on(failed&& event) {
  tries& hand = state_.hand;
  // Ignore an earlier try's failure: the try in flight will bring its own answer.
  if (!is_in_hand(event.to) || !hand.in_flight || event.to.attempt != hand.attempt) {
    return;
  }
  hand.in_flight = false;
  hand.last_failure = event.why.code;
  if (event.why.possible == effect::unknown) {
    hand.maybe_done = true;
  } else if (event.why.code == errc::rejected || event.why.is_final) {
    // The inbox gives one answer per id, so this is also the answer to the tries before.
    hand.maybe_done = false;
  }
  hand.crashes += event.why.code == errc::crashed ? 1 : 0;
  if (is_poison(event)) {
    event.why.message +=
        " (crashed in " + std::to_string(hand.crashes) + " tries; mend the cause, then resume)";
    return park_for(std::move(event.why));
  }
  go_on(event);
}

/// Whether a command that must succeed in the end crashed too often to be asked again.
bool decision::is_poison(const failed& event) const {
  const bool has_end = !event.to.undo && step_in_hand().kind != step_kind::retriable;
  return !has_end && event.why.code == errc::crashed && state_.hand.crashes >= crashes_max;
}

/// Decides after the failure of the try in hand: wait and retry, turn back, or park.
void decision::go_on(const failed& event) {
  const step& step = step_in_hand();
  const tries& hand = state_.hand;
  const bool technical = is_momentary(event.why);
  if (event.to.undo || step.kind == step_kind::retriable) {
    if (is_unknown_there(event.why.code) && ++state_.hand.unknown < unknown_max) {
      return try_again_later(event.why);
    }
    if (technical) {
      try_again_later(event.why);
    } else {
      park_for(event.why);
    }
    return;
  }
  const bool tries_left = hand.attempt <= static_cast<std::uint32_t>(step.retries);
  // A pivot of unknown outcome is tried until the saga's time is up. A resumed saga has no
  // deadline: its tries are counted, and then it is parked again.
  const bool keep_asking = step.kind == step_kind::pivot && hand.maybe_done && state_.round == 0;
  if (technical && !hand.late && (tries_left || keep_asking)) {
    try_again_later(event.why);
  } else {
    give_up(event.why);
  }
}

void decision::give_up(error why) {
  const std::uint32_t index = state_.current;
  const step& step = step_in_hand();
  const bool maybe_done = state_.hand.maybe_done;
  if (maybe_done && step.kind == step_kind::pivot && step.undo.empty()) {
    park_for(std::move(why));
    return;
  }
  why.possible = maybe_done ? effect::unknown : effect::none;
  write(record_kind::failed, index, state_.steps[index].round, state_.hand.attempt, encoded(why));
  apply_failed(state_, index, std::move(why));
  if (maybe_done) {
    intend_undo(index, state_.round);
    ask();
  } else {
    undo_below(index);
  }
}

void decision::undo_below(std::uint32_t step) {
  if (const auto next = done_below(state_, step)) {
    intend_undo(*next, state_.round);
    ask();
    return;
  }
  apply_compensated(state_);
  write(record_kind::compensated, state_.current, state_.round);
  tell_answer();
}

void decision::park_for(error why) {
  const std::uint32_t index = state_.current;
  const bool undo = state_.now == phase::undoing;
  const std::uint32_t round = undo ? state_.steps[index].undo_round : state_.steps[index].round;
  const std::uint32_t attempt = state_.hand.attempt;
  why.possible = state_.hand.maybe_done ? effect::unknown : effect::none;
  write(record_kind::parked, index, round, attempt, encoded(why));
  apply_parked(state_, why);
  actions_.emplace_back(park{
      .at = {.step = index, .undo = undo, .round = round, .attempt = attempt},
      .reason = std::move(why)});
}

void decision::on(const timer_due& event) {
  const bool waits = state_.now == phase::forward || state_.now == phase::undoing;
  if (!waits || state_.hand.in_flight || event.token == 0 || event.token != state_.hand.token) {
    return;
  }
  ++state_.hand.attempt;
  ask();
}

error decision::time_is_up() const {
  error why{
      .code = errc::deadline_exceeded,
      .message = "The saga's time was up in step `" + step_in_hand().name
                 + "`; what it had done was undone.",
      .details = {{"step", step_in_hand().name}}};
  if (state_.hand.last_failure) {
    why.details.emplace_back("last_failure", name_of(*state_.hand.last_failure));
  }
  return why;
}

void decision::on(const deadline_reached&) {
  if (state_.now != phase::forward || state_.next_seq == 1 || state_.round > 0
      || step_in_hand().kind == step_kind::retriable) {
    return;
  }
  tries& hand = state_.hand;
  if (hand.in_flight && step_in_hand().kind == step_kind::pivot && step_in_hand().undo.empty()) {
    // Wait for the pivot's answer, at most one try, instead of asking a person.
    hand.late = true;
    return;
  }
  hand.maybe_done = hand.maybe_done || hand.in_flight;
  give_up(time_is_up());
}

void decision::on(const retry_by_operator& event) {
  if (state_.now != phase::parked) {
    return;
  }
  unpark(event.anew);
  ask_in_hand(event.anew);
}

/// Leaves the parked phase. The command in hand is as its former tries left it.
void decision::unpark(bool anew) {
  const std::uint32_t round = state_.round + 1;
  apply_resumed(state_, round);
  write(record_kind::resumed, state_.current, round);
  state_.hand = {.token = state_.hand.token};
  state_.hand.maybe_done = !anew && state_.why_parked->possible == effect::unknown;
}

/// Asks the command in hand in the saga's round, under its old id if it may have happened.
void decision::ask_in_hand(bool anew) {
  const std::uint32_t index = state_.current;
  const bool same_id = !anew && state_.hand.maybe_done;
  const step_state& step = state_.steps[index];
  if (state_.now == phase::undoing) {
    intend_undo(index, same_id ? step.undo_round : state_.round);
  } else {
    intend(index, same_id ? step.round : state_.round);
  }
  state_.hand.maybe_done = same_id;
  ask();
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
    ++state_.hand.attempt;
    ++state_.hand.token; // The timer that runs is void.
    return ask();
  case verb::pause:
  case verb::park:
    return stand_still(event.what);
  case verb::skip:
    return skip();
  case verb::compensate:
    return turn_back(event.what);
  }
}

void decision::stand_still(const order& wanted) {
  tries& hand = state_.hand;
  hand.maybe_done = hand.maybe_done || hand.in_flight;
  const std::string_view verb = wire::word_of(wanted.what);
  park_for(rejected(std::string{verb}, "by " + wanted.who + ": " + wanted.why));
}

void decision::skip() {
  if (state_.now == phase::parked) {
    unpark(false);
  }
  const std::uint32_t index = state_.current;
  const bool undo = state_.now == phase::undoing;
  const step_state& step = state_.steps[index];
  write(record_kind::skipped, index, undo ? step.undo_round : step.round);
  apply_skipped(state_);
  if (undo) {
    undo_below(index);
  } else {
    go_on_after(index);
  }
}

void decision::turn_back(const order& wanted) {
  if (state_.now == phase::parked) {
    unpark(wanted.vouched);
  }
  tries& hand = state_.hand;
  hand.maybe_done = hand.in_flight || (hand.maybe_done && !wanted.vouched);
  give_up(rejected("compensate", "by " + wanted.who + ": " + wanted.why));
}

void decision::on(given_up&& event) {
  const bool runs = state_.now == phase::forward || state_.now == phase::undoing;
  if (!runs || state_.next_seq == 1) {
    return;
  }
  state_.hand.maybe_done = state_.hand.maybe_done || event.maybe_done;
  park_for(std::move(event.why));
}

void decision::on(const taken_over& event) {
  if (state_.next_seq == 1) {
    return;
  }
  if (state_.is_over()) {
    tell_answer();
    return;
  }
  const std::uint32_t index = state_.current;
  if (state_.now == phase::parked) {
    const bool undo = state_.before_parked == phase::undoing;
    const step_state& step = state_.steps[index];
    actions_.emplace_back(park{
        .at = {.step = index, .undo = undo, .round = undo ? step.undo_round : step.round},
        .reason = *state_.why_parked});
    return;
  }
  // The former owner may have called the step: only an answer tells.
  state_.hand = {.token = state_.hand.token, .maybe_done = true};
  const step& step = step_in_hand();
  if (state_.now == phase::forward && state_.round == 0 && step.kind != step_kind::retriable) {
    const auto left = std::chrono::ceil<milliseconds>(state_.deadline - event.now);
    if (left > milliseconds{0}) {
      // No clock of another machine makes a saga wait for longer than its plan says.
      actions_.emplace_back(watch_deadline{std::min(left, plan_.what().deadline)});
    } else if (step.kind == step_kind::pivot && step.undo.empty()) {
      state_.hand.late = true;
    } else {
      give_up(time_is_up());
      return;
    }
  }
  ask();
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

void decide(const plan& by, state& current, event what, std::vector<action>& actions) {
  actions.clear();
  decision made{by, current, actions};
  std::visit([&made](auto& each) { made.on(std::move(each)); }, what);
}

} // namespace troupe::saga
