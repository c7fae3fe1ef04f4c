#include "runtime/saga/replay.hpp"

#include "runtime/saga/machine.hpp"
#include "runtime/saga/transition.hpp"
#include "runtime/wire/check.hpp"
#include "runtime/wire/envelope.hpp"

#include <string>
#include <utility>

namespace troupe::saga {

namespace {

/// Applies records in order and refuses those that no decision writes.
///
/// `before_` is the kind of the record before: a decision writes few sequences, so most damage
/// shows in pairs.
class replayer {
public:
  replayer(const plan& by, const uuid& saga) : plan_{by}, state_{by, saga} {}

  outcome<void> take(const record& row);
  outcome<state> end() &&;

private:
  outcome<void> take_started(const record& row);
  outcome<void> take_error(const record& row);
  bool fits(const record& row) const;
  bool fits_intent(const record& row) const;
  bool fits_undo_intent(const record& row) const;
  bool is_open(step_status status) const;
  error out_of_place(const record& row) const;

  const plan& plan_;
  state state_;
  record_kind before_ = record_kind::started;
};

error replayer::out_of_place(const record& row) const {
  return internal_error(
      "The journal of saga " + to_string(state_.saga) + " is damaged: record "
      + std::to_string(row.seq) + " (" + std::string{name_of(row.kind)} + " of step "
      + std::to_string(row.step) + ") cannot stand where " + std::to_string(state_.next_seq)
      + " is due in phase " + std::string{name_of(state_.now)}
      + ". Restore the journal from a copy; do not resume this saga.");
}

bool replayer::is_open(step_status status) const {
  return state_.steps[state_.current].status == status;
}

bool replayer::fits_intent(const record& row) const {
  if (state_.now != phase::forward) {
    return false;
  }
  switch (before_) {
  case record_kind::started:
    return row.step == 0 && row.round == 0;
  case record_kind::done:
    return row.step == state_.current + 1 && row.round == state_.round;
  case record_kind::resumed:
    return row.step == state_.current && row.round <= state_.round;
  default:
    return false;
  }
}

bool replayer::fits_undo_intent(const record& row) const {
  if (state_.now != phase::undoing) {
    return false;
  }
  const bool is_next = done_below(state_, state_.current) == row.step;
  switch (before_) {
  case record_kind::failed:
    return (row.step == state_.current || is_next) && row.round == state_.round;
  case record_kind::undone:
    return is_next && row.round == state_.round;
  case record_kind::resumed:
    return row.step == state_.current && row.round <= state_.round;
  default:
    return false;
  }
}

bool replayer::fits(const record& row) const {
  const step_state& step = state_.steps[state_.current];
  const bool here = row.step == state_.current;
  const bool forward = state_.now == phase::forward;
  const bool undoing = state_.now == phase::undoing;
  switch (row.kind) {
  case record_kind::started:
    return row.seq == 1;
  case record_kind::intent:
    return fits_intent(row);
  case record_kind::done:
    return forward && here && is_open(step_status::asked) && row.round == step.round;
  case record_kind::failed:
    return forward && here && is_open(step_status::asked)
           && plan_.at(row.step).kind != step_kind::retriable;
  case record_kind::undo_intent:
    return fits_undo_intent(row) && !plan_.at(row.step).undo.empty();
  case record_kind::undone:
    return undoing && here && is_open(step_status::undo_asked) && row.round == step.undo_round;
  case record_kind::completed:
    return forward && before_ == record_kind::done && state_.current + 1 == plan_.step_count();
  case record_kind::compensated:
    return undoing && (before_ == record_kind::failed || before_ == record_kind::undone)
           && !done_below(state_, state_.current);
  case record_kind::parked:
    return here
           && ((forward && is_open(step_status::asked))
               || (undoing && is_open(step_status::undo_asked)));
  case record_kind::resumed:
    return state_.now == phase::parked && row.round == state_.round + 1;
  case record_kind::ordered:
    return here && !state_.is_over();
  case record_kind::skipped:
    return here
           && ((forward && is_open(step_status::asked) && row.round == step.round)
               || (undoing && is_open(step_status::undo_asked) && row.round == step.undo_round));
  }
  return false;
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
  } else {
    apply_parked(state_, *std::move(why));
  }
  return {};
}

outcome<void> replayer::take(const record& row) {
  if (row.kind > record_kind::skipped) {
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
  switch (row.kind) {
  case record_kind::started:
    taken = take_started(row);
    break;
  case record_kind::intent:
    apply_intent(state_, row.step, row.round);
    break;
  case record_kind::done:
    apply_done(state_, row.step, std::string{row.data});
    break;
  case record_kind::failed:
  case record_kind::parked:
    taken = take_error(row);
    break;
  case record_kind::undo_intent:
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
    break;
  case record_kind::skipped:
    apply_skipped(state_);
    break;
  }
  if (row.kind == record_kind::skipped) {
    before_ = state_.now == phase::undoing ? record_kind::undone : record_kind::done;
  } else if (row.kind != record_kind::ordered) {
    before_ = row.kind;
  }
  ++state_.next_seq;
  return taken;
}

outcome<state> replayer::end() && {
  const bool whole = state_.next_seq > 1
                     && (state_.is_over() || state_.now == phase::parked
                         || before_ == record_kind::intent || before_ == record_kind::undo_intent);
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
    if (auto taken = all.take(row); !taken) {
      return failure{std::move(taken).error()};
    }
  }
  return std::move(all).end();
}

} // namespace troupe::saga
