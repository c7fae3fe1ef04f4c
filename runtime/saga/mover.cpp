#include "runtime/saga/mover.hpp"

#include "runtime/observe/trace_context.hpp"
#include "runtime/saga/commands.hpp"
#include "runtime/saga/journal.hpp"
#include "runtime/saga/words.hpp"
#include "runtime/store/turn/inbox.hpp"
#include "runtime/wire/departure.hpp"
#include "runtime/wire/envelope.hpp"

#include <algorithm>
#include <utility>

namespace troupe::saga {

namespace {

/// Whether a saga's end can be given as an answer: it may be an error, or too large to send,
/// although all steps are done.
outcome<void> may_leave(const outcome<std::string>& answer, std::size_t body_bytes_max) {
  if (!answer) {
    return failure{answer.error()};
  }
  const wire::departure made{.what = "the saga's answer", .body_bytes = answer->size()};
  auto fits = wire::check_departure(made, body_bytes_max);
  if (!fits) {
    fits.error().code = errc::internal;
    fits.error().possible = effect::unknown;
  }
  return fits;
}

void answer_with(const saga_turn& in, const uuid& call, std::string bytes, bool failed) {
  const auto settled = failed ? store::inbox_state::refused : store::inbox_state::ok;
  store::inbox{in.session}.settle(call, settled, bytes);
  in.out.answers.push_back({call, failed, std::move(bytes)});
}

} // namespace

void mover::hear(const saga_turn& in, coordinator& which) {
  for (const std::uint32_t step : open_steps(which.current)) {
    const bool waits = which.by->at(step).act == step_act::wait
                       && which.current.now == phase::forward && is_open(which.current, step);
    if (!waits) {
      continue;
    }
    if (auto said = word_to(in.session, *which.by, which.current, step)) {
      move(in, which, std::move(*said));
    }
  }
}

void mover::move(const saga_turn& in, coordinator& which, event what) {
  std::vector<action> actions;
  running_.touch(which);
  const phase before = which.current.now;
  decide(*which.by, which.current, std::move(what), {in.now, in.out.settled}, actions);
  running_.moved(which);
  // A saga may park and go on in one turn, and the next owner finds it by its phase. The actions
  // that end or park it write theirs.
  const phase after = which.current.now;
  if (after != before && (after == phase::forward || after == phase::undoing)) {
    journal_table{in.session}.set_phase(which.current.saga, after);
  }
  for (const action& each : actions) {
    carry_out(in, which, each);
  }
  requests_.clear();
  while (!refused_bodies_.empty()) {
    auto [as, why] = std::move(refused_bodies_.back());
    refused_bodies_.pop_back();
    if (which.by->makes(as.step, as.undo)) {
      move(in, which, failed{as, std::move(why)});
    } else { // Its definition has changed: no reason to turn back.
      move(in, which, given_up{std::move(why), false, as.step});
    }
  }
  if (std::exchange(listens_, false)) {
    hear(in, which);
  }
}

/// The data of a record; for a call's first intent, what it keeps about the request. The request
/// itself is kept for the call, so that it is not made twice.
std::string mover::intent_data(const coordinator& which, const record& row) {
  const bool undo = row.kind == record_kind::undo_intent;
  if ((!undo && row.kind != record_kind::intent) || !which.by->is_call(row.step)) {
    return std::string{row.data};
  }
  if (row.round != which.current.round) {
    return {}; // Asked again under its old id: that round's intent has the first request's digest.
  }
  const call wanted = command_of(*which.by, which.current, row.step, undo);
  auto request = body_of(*which.by, which.current, wanted);
  std::string data = intent_data_of(*which.by, wanted, request);
  requests_.emplace_back(wanted.as, std::move(request));
  return data;
}

outcome<std::string> mover::take_request(const coordinator& which, const call& wanted) {
  const auto made =
      std::ranges::find_if(requests_, [&](const auto& each) { return each.first == wanted.as; });
  return made == requests_.end() ? body_of(*which.by, which.current, wanted)
                                 : std::move(made->second);
}

void mover::carry_out(const saga_turn& in, coordinator& which, const action& what) {
  const uuid& id = which.current.saga;
  journal_table journal{in.session};
  if (const auto* row = std::get_if<saga::journal>(&what)) {
    record written = row->row;
    const std::string data = intent_data(which, written);
    written.data = data;
    journal.append(id, which.epoch, written, std::max(in.now, in.out.settled));
    which.moved = true;
    which.since = in.now;
    which.failure.clear();
    which.need_is_told = false;
  } else if (const auto* wanted = std::get_if<call>(&what)) {
    if (auto made = ask(which, *wanted, take_request(which, *wanted), in.out); !made) {
      refused_bodies_.emplace_back(wanted->as, std::move(made).error());
    }
  } else if (const auto* wait = std::get_if<timer>(&what)) {
    in.out.timers.push_back(timer_of(id, *wait));
  } else if (std::holds_alternative<listen>(what)) {
    listens_ = true;
  } else if (const auto* watch = std::get_if<watch_deadline>(&what)) {
    in.out.timers.push_back(timer_of(id, *watch));
  } else if (const auto* end = std::get_if<finish>(&what)) {
    tell_end(in, which, *end);
  } else if (const auto* stuck = std::get_if<park>(&what)) {
    journal.set_phase(id, phase::parked);
    in.out.parked_sagas.push_back(
        {.saga = id, .reason = stuck->reason.message, .trace = which.trace});
  }
}

void mover::tell_end(const saga_turn& in, const coordinator& which, const finish& end) {
  const uuid& id = which.current.saga;
  const bool is_compensated = which.current.now == phase::compensated;
  journal_table journal{in.session};
  journal.set_phase(id, which.current.now);
  if (is_compensated) {
    journal.take_all(id);
    for (const uuid& undo : journal.recalls(id)) {
      answer_with(in, undo, wire::encoded(undo_saga{id}), false);
    }
  } else if (outlives_caller(which.by->what())) { // Others get no messages.
    // A recall that came is found by the next `hear`.
    journal.take_words(id);
  }
  if (which.current.was_completed && is_compensated) {
    return; // Its caller was told that it had completed.
  }
  const auto leaves = may_leave(end.answer, in.out.body_bytes_max);
  std::string bytes;
  if (leaves) {
    bytes = *end.answer;
  } else {
    wire::append_error(bytes, leaves.error());
  }
  answer_with(in, id, std::move(bytes), !leaves);
  if (observe::says_recorded(which.trace)) {
    in.out.traced.push_back({id, which.by->what().operation, which.trace, is_compensated});
  }
}

} // namespace troupe::saga
