#include "runtime/saga/coordinators.hpp"

#include "runtime/observe/trace_context.hpp"
#include "runtime/saga/replay.hpp"
#include "runtime/saga/transition.hpp"
#include "runtime/store/turn/faults.hpp"
#include "runtime/store/turn/inbox.hpp"
#include "runtime/store/turn/writers.hpp"
#include "runtime/thrown.hpp"
#include "runtime/time_text.hpp"
#include "runtime/wire/departure.hpp"
#include "runtime/wire/envelope.hpp"

#include <algorithm>
#include <exception>
#include <fmt/format.h>
#include <utility>

namespace troupe::saga {

namespace {

// A token names a try: 32 bits of attempt, 23 of round, undo, 8 of step. Timers have their own.
constexpr std::uint64_t deadline_token = std::uint64_t{1} << 63U;

std::uint64_t token_of(const asked& as) {
  return std::uint64_t{as.attempt} << 32U | std::uint64_t{as.round & 0x7fffffU} << 9U
         | std::uint64_t{as.undo} << 8U | as.step;
}

asked asked_of(std::uint64_t token) {
  return {
      .step = static_cast<std::uint32_t>(token & 0xffU),
      .undo = (token >> 8U & 1U) != 0,
      .round = static_cast<std::uint32_t>(token >> 9U & 0x7fffffU),
      .attempt = static_cast<std::uint32_t>(token >> 32U)};
}

/// A fault of the definition's author fails this call and no other: nothing was written yet, and no
/// saga was touched, so there is no reason to start the coordinator anew.
outcome<void> is_accepted(const plan& by, std::string_view input) {
  try {
    return by.what().accept(input);
  } catch (const std::exception& thrown) {
    return failure{error{
        .code = errc::crashed,
        .message = fmt::format(
            "looking at the input of `{}` failed: {}", by.what().operation, thrown.what())}};
  }
}

/// Whether a saga's end is told as an answer: it may be an error, or too large to leave, though all
/// steps are done.
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

/// Whether this program can make the command in hand of a saga that is taken up. Its former owner
/// made it, or there would be no record of it: if that fails now, the author's functions are
/// others, or read other messages.
outcome<void> can_make_command(const plan& by, const state& current) {
  const call in_hand{
      .as = {.step = current.current, .undo = current.now == phase::undoing}, .id = {}};
  for (const auto& made : {body_of(by, current, in_hand), key_of(by, current, in_hand)}) {
    if (!made) {
      return failure{error{
          .code = errc::conflict,
          .message = fmt::format(
              "this program cannot make the command in hand of step `{}` ({}); the saga goes on in "
              "one that can",
              by.at(current.current).name,
              made.error().message)}};
    }
  }
  return {};
}

/// The trace of a saga's calls: below the saga's own span, if that is recorded.
std::string trace_below(const uuid& saga, const std::string& trace) {
  if (!observe::says_recorded(trace)) {
    return trace;
  }
  const auto above = observe::read_trace(trace);
  return above ? observe::trace_text({above->trace, observe::root_of(saga).span, true}, trace)
               : std::string{};
}

} // namespace

coordinators::coordinators(std::vector<plan> plans) : plans_{std::move(plans)} {
}

bool coordinators::coordinator::needs_person(wall_time now) const {
  const bool is_endless =
      current.now == phase::undoing || by->at(current.current).kind == step_kind::retriable;
  return is_endless && !failure.empty() && now - since >= by->what().person_after;
}

std::string coordinators::coordinator::need() const {
  const auto effects = standing_effects(*by, current);
  return fmt::format(
      "`{}` fails since {}: {}; effects that stand: {}",
      step_in_hand(*by, current),
      utc_time_text(since),
      failure,
      effects.empty() ? "none" : fmt::to_string(fmt::join(effects, ", ")));
}

coordinators::standing coordinators::standing_now(wall_time now) const {
  standing found;
  for (const auto& [id, each] : running_) {
    ++(each->current.now == phase::undoing ? found.undoing : found.forward);
    found.earlier_steps += each->by->is_pinned() ? 1U : 0U;
    if (each->needs_person(now)) {
      found.need = found.need_person++ == 0
                       ? fmt::format("saga {}: {}", to_string(id), each->need())
                       : std::move(found.need);
    }
    found.oldest = std::min(found.oldest, id.born());
  }
  for (const auto& [id, its] : troubles_.all()) {
    if (its.failures == 0) {
      ++found.left_alone;
    } else if (its.again_at != instant::max()) { // Else it runs again.
      ++found.failing;
    }
  }
  return found;
}

std::string coordinators::need_of(const uuid& id, wall_time now) const {
  const auto found = running_.find(id);
  return found != running_.end() && found->second->needs_person(now) ? found->second->need() : "";
}

const state* coordinators::running_state(const uuid& id, const plan*& by) const {
  const auto found = running_.find(id);
  if (found == running_.end()) {
    return nullptr;
  }
  by = found->second->by;
  return &found->second->current;
}

outcome<void> coordinators::start(
    store::database& session,
    std::int64_t writer,
    const uuid& id,
    const plan& by,
    std::string_view input,
    milliseconds within,
    wall_time now,
    outgoing& out,
    std::string_view trace) {
  if (by.what().accept) {
    if (auto accepted = is_accepted(by, input); !accepted) {
      return accepted;
    }
  }
  plans_.keep_table(session, by, now);
  journal_table{session}.add(id, by.what().operation, writer, trace);
  coordinator& added = add(id, by);
  added.trace = trace;
  move(session, added, started{std::string{input}, now, within}, now, out);
  return {};
}

void coordinators::answered(
    store::database& session,
    const uuid& id,
    std::uint64_t token,
    bool failed,
    std::string_view body,
    wall_time now,
    outgoing& out) {
  coordinator* which = running(id);
  if (which == nullptr) {
    return; // Over, or somebody else's by now.
  }
  if (failed) {
    auto read = wire::read_error(body);
    error why = read ? std::move(*read) : std::move(read).error();
    which->failure = fmt::format("{}: {}", name_of(why.code), why.message);
    move(session, *which, saga::failed{asked_of(token), std::move(why)}, now, out);
    if (!which->need_is_told && which->needs_person(now)) {
      which->need_is_told = true;
      out.parked_sagas.push_back({id, which->need(), false, true});
    }
  } else {
    move(session, *which, saga::answered{asked_of(token), std::string{body}}, now, out);
  }
}

void coordinators::timer_due(
    store::database& session, const uuid& id, std::uint64_t token, wall_time now, outgoing& out) {
  coordinator* which = running(id);
  if (which == nullptr) {
    return;
  }
  if (token == deadline_token) {
    move(session, *which, deadline_reached{}, now, out);
  } else {
    move(session, *which, saga::timer_due{static_cast<std::uint32_t>(token)}, now, out);
  }
}

std::size_t coordinators::resume(
    store::database& session,
    std::int64_t writer,
    wall_time now,
    instant time,
    outgoing& out,
    const std::function<void()>& progress) {
  std::vector<uuid> ids;
  if (behind_) {
    ids = journal_table{session}.unfinished(writer);
  } else {
    ids = troubles_.due(time);
    ids.insert(ids.end(), lost_.begin(), lost_.end());
  }
  resumed_ = true;
  std::size_t count = 0;
  for (const uuid& id : ids) {
    count += take_up(session, writer, id, now, time, out) ? 1U : 0U;
    progress();
  }
  return count;
}

std::size_t coordinators::take_left_alone(
    store::database& session,
    std::int64_t writer,
    wall_time now,
    instant time,
    outgoing& out,
    const std::function<void()>& progress) {
  std::size_t count = 0;
  journal_table journal{session};
  for (const std::int64_t owner : journal.fenced_owners()) {
    for (const uuid& id : journal.unfinished(owner)) {
      count += take_up(session, writer, id, now, time, out) ? 1U : 0U;
      progress();
    }
  }
  return count;
}

outcome<void> coordinators::obey(
    store::database& session,
    std::int64_t writer,
    const uuid& id,
    const order& wanted,
    wall_time now,
    instant time,
    outgoing& out) {
  if (coordinator* which = running(id)) {
    if (auto may = may_obey(*which->by, which->current, wanted); !may) {
      return may;
    }
    move(session, *which, ordered{wanted}, now, out);
    return {};
  }
  const auto row = journal_table{session}.find(id);
  if (!row) {
    return failure{rejected("no_saga", fmt::format("there is no saga {}", to_string(id)))};
  }
  if (row->now == phase::completed || row->now == phase::compensated) {
    const bool resumes = wanted.what == verb::resume;
    return failure{rejected(
        resumes ? "not_waiting" : "over",
        fmt::format("saga {} is over: {}", to_string(id), name_of(row->now)))};
  }
  if (row->now != phase::parked && row->writer != writer
      && !store::writers{session}.is_fenced(row->writer)) {
    return failure{rejected(
        wanted.what == verb::resume ? "not_waiting" : "elsewhere",
        fmt::format(
            "saga {} runs in another process, at node `{}`",
            to_string(id),
            journal_table{session}.node_of(row->writer)))};
  }
  return obey_elsewhere(session, writer, *row, wanted, now, time, out);
}

/// Carries an order out for a saga that does not run: it is parked, or nobody's, or waits here.
outcome<void> coordinators::obey_elsewhere(
    store::database& session,
    std::int64_t writer,
    const saga_row& row,
    const order& wanted,
    wall_time now,
    instant time,
    outgoing& out) {
  auto found = read(session, row);
  if (!found) {
    return failure{error{.code = errc::conflict, .message = found.error().message}};
  }
  const bool goes_on = wanted.what == verb::resume || wanted.what == verb::retry;
  // Running, or parked by an earlier release without a record.
  const bool is_parked = found->current.now == phase::parked;
  if (row.now != phase::parked && goes_on) {
    troubles_.forget(row.id);
    take_up(session, writer, row.id, now, time, out);
    return {};
  }
  found->current.hand.maybe_done = true; // The former owner may have asked.
  if (is_parked || !goes_on) {
    if (auto may = may_obey(*found->by, found->current, wanted); !may) {
      return may;
    }
  }
  troubles_.forget(row.id);
  coordinator& loaded = add(row.id, *found->by);
  loaded.current = std::move(found->current);
  loaded.since = now;
  loaded.epoch = row.epoch + 1;
  loaded.trace = row.trace;
  if (is_parked || !goes_on) {
    move(session, loaded, ordered{wanted}, now, out);
  } else {
    move(session, loaded, taken_over{now}, now, out);
  }
  journal_table{session}.give(row.id, writer, loaded.current.now);
  return {};
}

void coordinators::put_off(const uuid& id, std::string reason, wall_time now, instant time) {
  drop(id);
  troubles_.failed(id, std::move(reason), now, time);
}

void coordinators::committed() {
  if (std::exchange(resumed_, false)) {
    behind_ = false;
    lost_.clear();
  }
  plans_.committed();
  for (const uuid& id : touched_) {
    const auto found = running_.find(id);
    if (found == running_.end()) {
      continue;
    }
    found->second->touched = false;
    if (std::exchange(found->second->moved, false)) {
      troubles_.forget(id);
    }
    if (found->second->current.is_over() || found->second->current.now == phase::parked) {
      running_.erase(found);
    }
  }
  touched_.clear();
}

void coordinators::rolled_back() {
  for (const uuid& id : touched_) {
    running_.erase(id);
    lost_.insert(id);
  }
  touched_.clear();
  plans_.rolled_back();
  refused_bodies_.clear();
  resumed_ = false;
}

void coordinators::forget_all() {
  running_.clear();
  touched_.clear();
  troubles_.clear();
  lost_.clear();
  behind_ = true;
}

std::vector<uuid> coordinators::ids() const {
  std::vector<uuid> found;
  found.reserve(running_.size());
  for (const auto& [id, which] : running_) {
    found.push_back(id);
  }
  return found;
}

coordinators::coordinator& coordinators::add(const uuid& id, const plan& by) {
  auto made = std::make_unique<coordinator>(by, id);
  coordinator& added = *made;
  running_.insert_or_assign(id, std::move(made));
  return added;
}

coordinators::coordinator* coordinators::running(const uuid& id) {
  const auto found = running_.find(id);
  return found == running_.end() ? nullptr : found->second.get();
}

bool coordinators::take_up(
    store::database& session,
    std::int64_t writer,
    const uuid& id,
    wall_time now,
    instant time,
    outgoing& out) {
  if (running(id) != nullptr || !troubles_.may_go_on(id, time)) {
    return false;
  }
  const outgoing::sizes before = out.here();
  std::string fault;
  session.savepoint();
  try {
    const bool runs = load(session, writer, id, now, out);
    session.release();
    if (runs) {
      troubles_.taken_up(id);
    }
    return runs;
  } catch (const store::database_error& thrown) {
    if (!store::is_of_one_message(thrown.kind)) {
      drop(id);
      lost_.insert(id);
      throw;
    }
    fault = thrown.what();
  } catch (...) {
    fault = what_was_thrown();
  }
  session.rollback_to_savepoint();
  out.back_to(before);
  refused_bodies_.clear();
  put_off(id, std::move(fault), now, time);
  return false;
}

bool coordinators::load(
    store::database& session, std::int64_t writer, const uuid& id, wall_time now, outgoing& out) {
  journal_table journal{session};
  const auto row = journal.find(id);
  const bool is_own = row && row->writer == writer;
  const bool is_free = row && !is_own && store::writers{session}.is_fenced(row->writer);
  if ((!is_own && !is_free) || row->now > phase::undoing) {
    troubles_.forget(id);
    return false; // Over, parked, or somebody else's by now.
  }
  auto found = read(session, *row);
  if (found) {
    if (auto makes = can_make_command(*found->by, found->current); !makes) {
      found = failure{std::move(makes).error()};
    }
  }
  if (!found) {
    // Left as it is: another program may have its plan, or a person mend its journal.
    if (troubles_.leave_alone(id, found.error().message, now)) {
      out.parked_sagas.push_back({id, std::move(found).error().message, true});
    }
    return false;
  }
  plans_.keep_table(session, *found->by, now);
  coordinator& loaded = add(id, *found->by);
  loaded.current = std::move(found->current);
  loaded.since = found->since;
  loaded.epoch = row->epoch;
  loaded.trace = row->trace;
  if (is_free) {
    ++loaded.epoch;
    journal.give(id, writer, row->now);
  }
  const trouble* its = troubles_.find(id);
  if (its != nullptr && its->failures >= troubles::failures_max) {
    move(session, loaded, given_up{internal_error(its->reason, effect::unknown)}, now, out);
    return false;
  }
  move(session, loaded, taken_over{now}, now, out);
  return true;
}

outcome<coordinators::replayed> coordinators::read(store::database& session, const saga_row& row) {
  std::vector<std::string> bytes;
  const auto history = journal_table{session}.history(row.id, bytes);
  const auto table = history.empty() ? std::nullopt : fingerprint_in(history.front().row.data);
  const auto by = plans_.plan_for(session, row, table.value_or(0));
  if (!by) {
    return failure{by.error()};
  }
  std::vector<record> rows;
  for (const dated_record& each : history) {
    rows.push_back(each.row);
  }
  auto current = replay(**by, row.id, rows);
  if (!current) {
    return failure{std::move(current).error()};
  }
  return replayed{*by, std::move(*current), history.back().at};
}

/// Forgets what is in memory of a saga.
void coordinators::drop(const uuid& id) {
  running_.erase(id);
  std::erase(touched_, id);
}

void coordinators::move(
    store::database& session, coordinator& which, event what, wall_time now, outgoing& out) {
  std::vector<action> actions;
  touch(which);
  const phase before = which.current.now;
  decide(*which.by, which.current, std::move(what), actions);
  if (which.current.now == phase::undoing && before != phase::undoing) {
    journal_table{session}.set_phase(which.current.saga, phase::undoing);
  }
  for (const action& each : actions) {
    carry_out(session, which, each, now, out);
  }
  while (!refused_bodies_.empty()) {
    auto [as, why] = std::move(refused_bodies_.back());
    refused_bodies_.pop_back();
    if (which.by->makes(as.step, as.undo)) {
      move(session, which, failed{as, std::move(why)}, now, out);
    } else { // Its definition has changed: no reason to turn back.
      move(session, which, given_up{std::move(why), false}, now, out);
    }
  }
}

void coordinators::carry_out(
    store::database& session,
    coordinator& which,
    const action& what,
    wall_time now,
    outgoing& out) {
  const uuid& id = which.current.saga;
  journal_table journal{session};
  if (const auto* row = std::get_if<saga::journal>(&what)) {
    journal.append(id, which.epoch, row->row, now);
    which.moved = true;
    which.since = now;
    which.failure.clear();
    which.need_is_told = false;
  } else if (const auto* wanted = std::get_if<call>(&what)) {
    ask(which, *wanted, out);
  } else if (const auto* wait = std::get_if<timer>(&what)) {
    out.timers.push_back({id, wait->token, wait->delay});
  } else if (const auto* watch = std::get_if<watch_deadline>(&what)) {
    out.timers.push_back({id, deadline_token, watch->delay});
  } else if (const auto* end = std::get_if<finish>(&what)) {
    const auto leaves = may_leave(end->answer, out.body_bytes_max);
    outgoing::answer answer{id, !leaves, {}};
    if (leaves) {
      answer.bytes = *end->answer;
    } else {
      wire::append_error(answer.bytes, leaves.error());
    }
    const auto settled = answer.failed ? store::inbox_state::refused : store::inbox_state::ok;
    store::inbox{session}.settle(id, settled, answer.bytes);
    journal.set_phase(id, which.current.now);
    out.answers.push_back(std::move(answer));
    if (observe::says_recorded(which.trace)) {
      out.traced.push_back(
          {id, which.by->what().operation, which.trace, which.current.now == phase::compensated});
    }
  } else if (const auto* stuck = std::get_if<park>(&what)) {
    journal.set_phase(id, phase::parked);
    out.parked_sagas.push_back({id, stuck->reason.message});
  }
}

void coordinators::ask(coordinator& which, const call& wanted, outgoing& out) {
  const state& current = which.current;
  auto body = body_of(*which.by, current, wanted);
  auto key = key_of(*which.by, current, wanted);
  if (!body || !key) {
    refused_bodies_.emplace_back(wanted.as, !body ? body.error() : key.error());
    return;
  }
  const step& step = which.by->at(wanted.as.step);
  const std::string& operation = operation_of(*which.by, wanted);
  const wire::departure made{
      .what = wanted.as.undo ? "the undo of step" : "the call of step",
      .name = step.name,
      .to = step.capability,
      .op = operation,
      .key = *key,
      .body_bytes = body->size()};
  if (auto fits = wire::check_departure(made, out.body_bytes_max); !fits) {
    refused_bodies_.emplace_back(wanted.as, std::move(fits).error());
    return;
  }
  out.calls.push_back(
      {.saga = current.saga,
       .token = token_of(wanted.as),
       .id = wanted.id,
       .capability = step.capability,
       .operation = operation,
       .key = std::move(*key),
       .body = std::move(*body),
       .timeout = wanted.timeout,
       .trace = trace_below(current.saga, which.trace)});
}

void coordinators::touch(coordinator& which) {
  if (!which.touched) {
    which.touched = true;
    touched_.push_back(which.current.saga);
  }
}

} // namespace troupe::saga
