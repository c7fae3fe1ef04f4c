#include "runtime/saga/replay.hpp"

#include "runtime/saga/machine.hpp"
#include "runtime/saga/transition.hpp"
#include "runtime/wire/check.hpp"
#include "runtime/wire/envelope.hpp"

#include <algorithm>
#include <string>
#include <utility>

namespace troupe::saga {

namespace {

/// Applies records in order and refuses sequences that no decision writes.
///
/// `before_` is the kind of the record before, without a person's orders and waits that begin
/// again: decisions write few sequences, so most damage shows in pairs.
class replayer {
public:
  replayer(const plan& by, const uuid& saga) : plan_{by}, state_{by, saga} {}

  outcome<void> take(const record& row);
  outcome<state> end() &&;

private:
  outcome<void> take_started(const record& row);
  outcome<void> take_error(const record& row);
  outcome<void> take_intent(const record& row);
  void note_request(const record& row);
  bool fits(const record& row) const;
  bool fits_intent(const record& row) const;
  bool fits_undo_intent(const record& row) const;
  bool is_next(std::uint32_t step) const;
  bool is_asked_again(const record& row) const;
  bool waits_anew(const record& row) const;
  bool is_answer(const record& row) const;
  bool is_half_done() const;
  bool is_all_settled() const;
  error out_of_place(const record& row) const;

  const plan& plan_;
  state state_;
  record_kind before_ = record_kind::started;
  // The step of the record before.
  std::uint32_t last_ = 0;
  // Whether no command was asked since the saga was resumed.
  bool resumes_ = false;
};

error replayer::out_of_place(const record& row) const {
  return internal_error(
      "The journal of saga " + to_string(state_.saga) + " is damaged: record "
      + std::to_string(row.seq) + " (" + std::string{name_of(row.kind)} + " of step "
      + std::to_string(row.step) + ") cannot stand where " + std::to_string(state_.next_seq)
      + " is due in phase " + std::string{name_of(state_.now)}
      + ". Restore the journal from a copy; do not resume this saga.");
}

/// Whether a step is settled, so that the ones after it may begin.
bool is_settled(step_status status) {
  return status == step_status::done || status == step_status::passed;
}

bool replayer::is_all_settled() const {
  return std::ranges::all_of(
      state_.steps, [](const step_state& each) { return is_settled(each.status); });
}

/// Whether `step` is the next one to begin: those before its stage are settled, and those before it
/// in its stage began, or were skipped, in the same decision.
bool replayer::is_next(std::uint32_t step) const {
  const stage at = plan_.stage_of(step);
  for (std::uint32_t i = 0; i < step; ++i) {
    const step_status status = state_.steps[i].status;
    if (i < at.first ? !is_settled(status) : status == step_status::untouched) {
      return false;
    }
  }
  if (state_.steps[step].status != step_status::untouched) {
    return false;
  }
  // `done` of a step that a person skipped: no other step is done before its whole stage has begun.
  const bool begins = before_ == record_kind::intent || before_ == record_kind::passed
                      || before_ == record_kind::done;
  return step == at.first ? before_ != record_kind::intent : begins && last_ + 1 == step;
}

/// Whether a resumed saga asks its open step again.
bool replayer::is_asked_again(const record& row) const {
  return resumes_ && row.step == state_.current && is_open(state_, row.step)
         && row.round <= state_.round;
}

/// Whether a resumed saga gives a step that waits beside the resumed one its time again.
bool replayer::waits_anew(const record& row) const {
  return row.kind == record_kind::intent && resumes_ && row.step != state_.current
         && is_open(state_, row.step) && plan_.at(row.step).act == step_act::wait
         && row.round == state_.steps[row.step].round;
}

bool replayer::fits_intent(const record& row) const {
  return state_.now == phase::forward
         && (is_asked_again(row) || waits_anew(row)
             || (is_next(row.step) && row.round == state_.round));
}

bool replayer::fits_undo_intent(const record& row) const {
  if (state_.now != phase::undoing || plan_.at(row.step).undo.empty()) {
    return false;
  }
  if (is_asked_again(row)) {
    return true;
  }
  const bool in_one_decision =
      before_ == record_kind::undo_intent && plan_.stage_of(last_) == plan_.stage_of(row.step);
  const bool begins = before_ == record_kind::failed || before_ == record_kind::undone
                      || before_ == record_kind::recalled;
  return row.round == state_.round && next_to_undo(plan_, state_) == row.step
         && (in_one_decision || (begins && open_steps(state_).empty()));
}

/// Whether a decision is not written to its end.
bool replayer::is_half_done() const {
  if (before_ == record_kind::resumed) {
    return true;
  }
  const auto open = open_steps(state_);
  if (open.empty()) {
    return true;
  }
  const stage at = plan_.stage_of(open.front());
  // A saga that turned back before its whole stage had begun never begins the rest.
  for (std::uint32_t i = at.first; state_.now == phase::forward && i < at.end; ++i) {
    if (state_.steps[i].status == step_status::untouched) {
      return true;
    }
  }
  const auto next = next_to_undo(plan_, state_);
  return state_.now == phase::undoing && next && plan_.stage_of(*next) == at;
}

/// Whether the record can be the outcome of a step that is called or undone.
bool replayer::is_answer(const record& row) const {
  const step_state& step = state_.steps[row.step];
  return is_open(state_, row.step) && !is_half_done()
         && row.round == (is_turned_back(state_) ? step.undo_round : step.round);
}

bool replayer::fits(const record& row) const {
  const bool forward = state_.now == phase::forward;
  const bool undoing = state_.now == phase::undoing;
  const bool waits = is_queued(state_) && row.step == 0
                     && (before_ == record_kind::queued || before_ == record_kind::resumed);
  switch (row.kind) {
  case record_kind::started:
    return row.seq == 1;
  case record_kind::queued:
    return before_ == record_kind::started && row.step == 0 && row.seq == 2;
  case record_kind::intent:
    return fits_intent(row);
  case record_kind::passed:
    return static_cast<bool>(plan_.at(row.step).when) && fits_intent(row);
  case record_kind::done:
    return forward && is_answer(row);
  case record_kind::failed:
    return forward
           && (waits
               || (is_open(state_, row.step) && plan_.at(row.step).kind != step_kind::retriable));
  case record_kind::undo_intent:
    return fits_undo_intent(row);
  case record_kind::undone:
    return undoing && is_answer(row);
  case record_kind::completed:
    return forward && row.step + 1 == plan_.step_count() && is_all_settled();
  case record_kind::compensated:
    return undoing && open_steps(state_).empty() && !next_to_undo(plan_, state_);
  case record_kind::parked:
    return (forward || undoing) && (waits || is_open(state_, row.step));
  case record_kind::resumed:
    return state_.now == phase::parked && row.round == state_.round + 1;
  case record_kind::ordered:
    return row.step == state_.current && !state_.is_over();
  case record_kind::skipped:
    return (forward || undoing) && is_open(state_, row.step)
           && row.round
                  == (undoing ? state_.steps[row.step].undo_round : state_.steps[row.step].round);
  case record_kind::recalled:
    return state_.now == phase::completed;
  }
  return false;
}

/// Notes the request of a command: that of its first intent, also if a resumed saga asks again
/// under the old id.
void replayer::note_request(const record& row) {
  const step_state& its = state_.steps[row.step];
  const bool is_known =
      is_open(state_, row.step)
      && row.round == (row.kind == record_kind::undo_intent ? its.undo_round : its.round);
  if (const auto request = request_in(row.data); request || !is_known) {
    state_.steps[row.step].hand.request = request;
  }
}

outcome<void> replayer::take_intent(const record& row) {
  if (!plan_.is_call(row.step) && !due_in(row.data)) {
    return failure{out_of_place(row)};
  }
  if (waits_anew(row)) {
    apply_wait_anew(state_, row.step, std::string{row.data});
    return {};
  }
  note_request(row);
  apply_intent(state_, row.step, row.round, plan_.is_call(row.step) ? "" : std::string{row.data});
  return {};
}

outcome<void> replayer::take_started(const record& row) {
  const auto fingerprint = fingerprint_in(row.data);
  if (!fingerprint) {
    return failure{out_of_place(row)};
  }
  if (*fingerprint != plan_.fingerprint()) {
    return failure{error{
        .code = errc::conflict,
        .message = "Saga " + to_string(state_.saga) + " was started under other steps of `"
                   + plan_.what().operation
                   + "` than these. It goes on in a program that has them; let running sagas end "
                     "before steps are changed."}};
  }
  apply_started(state_, std::string{row.data});
  return {};
}

outcome<void> replayer::take_error(const record& row) {
  if (!wire::check(row.data)) {
    return failure{out_of_place(row)};
  }
  auto why = wire::read_error(row.data);
  if (!why) {
    return failure{out_of_place(row)};
  }
  if (row.kind == record_kind::failed) {
    apply_failed(state_, row.step, *std::move(why));
  } else if (row.kind == record_kind::recalled) {
    apply_recalled(state_, *std::move(why));
  } else {
    apply_parked(state_, row.step, *std::move(why));
  }
  return {};
}

outcome<void> replayer::take(const record& row) {
  if (row.kind > last_record_kind) {
    return failure{error{
        .code = errc::conflict,
        .message =
            "Saga " + to_string(state_.saga) + " has a record of kind "
            + std::to_string(static_cast<int>(row.kind))
            + ", which this program does not know. It goes on in the release that wrote it."}};
  }
  if (row.seq != state_.next_seq || row.step >= plan_.step_count()
      || (row.seq == 1) != (row.kind == record_kind::started) || !fits(row)) {
    return failure{out_of_place(row)};
  }
  outcome<void> taken;
  const bool is_aside = row.kind == record_kind::ordered || waits_anew(row);
  switch (row.kind) {
  case record_kind::started:
    taken = take_started(row);
    break;
  case record_kind::intent:
    taken = take_intent(row);
    break;
  case record_kind::done:
    apply_done(state_, row.step, std::string{row.data});
    break;
  case record_kind::failed:
  case record_kind::parked:
  case record_kind::recalled:
    taken = take_error(row);
    break;
  case record_kind::undo_intent:
    note_request(row);
    apply_undo_intent(state_, row.step, row.round);
    break;
  case record_kind::undone:
    apply_undone(state_, row.step);
    break;
  case record_kind::completed:
    apply_completed(state_);
    break;
  case record_kind::compensated:
    apply_compensated(state_);
    break;
  case record_kind::resumed:
    apply_resumed(state_, row.round);
    break;
  case record_kind::ordered:
  case record_kind::queued:
    break;
  case record_kind::passed:
    apply_passed(state_, row.step);
    break;
  case record_kind::skipped:
    apply_skipped(state_, row.step);
    break;
  }
  if (row.kind == record_kind::skipped) {
    before_ = state_.now == phase::undoing ? record_kind::undone : record_kind::done;
  } else if (!is_aside) {
    before_ = row.kind;
  }
  if (!is_aside && row.kind != record_kind::skipped) {
    resumes_ = row.kind == record_kind::resumed;
  }
  last_ = is_aside ? last_ : row.step;
  ++state_.next_seq;
  return taken;
}

outcome<state> replayer::end() && {
  const bool whole = state_.next_seq > 1
                     && (state_.is_over() || state_.now == phase::parked
                         || before_ == record_kind::queued || !is_half_done());
  if (!whole) {
    return failure{internal_error(
        "The journal of saga " + to_string(state_.saga) + " ends at record "
        + std::to_string(state_.next_seq - 1)
        + ", inside a decision: its rows were not written in one transaction.")};
  }
  return std::move(state_);
}

} // namespace

outcome<state> replay(const plan& by, const uuid& saga, std::span<const record> rows) {
  replayer all{by, saga};
  for (const record& row : rows) {
    TROUPE_CHECK(all.take(row));
  }
  return std::move(all).end();
}

} // namespace troupe::saga
