#include "runtime/saga/coordinators.hpp"

#include "runtime/observe/trace_context.hpp"
#include "runtime/saga/replay.hpp"
#include "runtime/saga/transition.hpp"
#include "runtime/saga/words.hpp"
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

std::uint64_t token_of(const timer& wait) {
  return std::uint64_t{wait.step} << 32U | wait.token;
}

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

/// Whether this program can make the commands in hand of a saga that is taken up. Its former owner
/// made it, or there would be no record of it: if that fails now, the author's functions are
/// others, or read other messages.
outcome<void> can_make_commands(const plan& by, const state& current) {
  for (const std::uint32_t step : open_steps(current)) {
    if (!by.is_call(step)) {
      continue;
    }
    const call in_hand{.as = {.step = step, .undo = current.now == phase::undoing}, .id = {}};
    for (const auto& made : {body_of(by, current, in_hand), key_of(by, current, in_hand)}) {
      if (!made) {
        return failure{error{
            .code = errc::conflict,
            .message = fmt::format(
                "this program cannot make the command in hand of step `{}` ({}); the saga goes on "
                "in one that can",
                by.at(step).name,
                made.error().message)}};
      }
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

void answer_with(
    store::database& session, const uuid& call, std::string bytes, bool failed, outgoing& out) {
  const auto settled = failed ? store::inbox_state::refused : store::inbox_state::ok;
  store::inbox{session}.settle(call, settled, bytes);
  out.answers.push_back({call, failed, std::move(bytes)});
}

/// Makes the call of a step.
/// @errors of its projections, or it cannot travel.
outcome<void> ask(const coordinator& which, const call& wanted, outgoing& out) {
  const state& current = which.current;
  auto body = body_of(*which.by, current, wanted);
  auto key = key_of(*which.by, current, wanted);
  if (!body || !key) {
    return failure{!body ? body.error() : key.error()};
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
    return fits;
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
  return {};
}

} // namespace

// Of one look.
constexpr std::size_t told_max = 1'000;

coordinators::coordinators(std::vector<plan> plans) : plans_{std::move(plans)} {
}

standing coordinators::standing_now(wall_time now) const {
  standing found = running_.standing_now(now);
  for (const auto& [id, its] : troubles_.all()) {
    if (its.failures == 0) {
      ++found.left_alone;
    } else if (its.again_at != instant::max()) { // Else it runs again.
      ++found.failing;
    }
  }
  return found;
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
    std::string_view trace,
    std::string_view line) {
  if (by.what().accept) {
    if (auto accepted = is_accepted(by, input); !accepted) {
      return accepted;
    }
  }
  journal_table journal{session};
  if (!by.what().undo.empty() && !journal.recalls(id).empty()) {
    return failure{rejected("undone", "it was undone before it came")};
  }
  plans_.keep_table(session, by, now);
  const std::string_view kept_line = by.what().at_once == 0 ? std::string_view{} : line;
  journal.add(id, by.what().operation, writer, trace, kept_line);
  const bool must_wait = !running_.has_room(by);
  coordinator& added = running_.add(id, by);
  added.trace = trace;
  added.line = line;
  move(session, added, started{std::string{input}, within, must_wait}, now, out);
  return {};
}

outcome<bool> coordinators::undo(
    store::database& session,
    std::int64_t writer,
    const plan& of,
    const uuid& id,
    const uuid& call,
    wall_time now,
    outgoing& out) {
  journal_table journal{session};
  const auto row = journal.find(id);
  if (row && row->operation != of.what().operation) {
    return failure{rejected(
        "no_saga", fmt::format("saga {} is none of `{}`", to_string(id), of.what().operation))};
  }
  journal.add_recall(id, call, now);
  if (!row || row->now == phase::compensated) {
    journal.take_all(id);
    return true;
  }
  recall(session, writer, *row, now, out);
  return false;
}

/// Turns a saga back that is to be undone, if this process can: it runs here, or nowhere. Else its
/// owner hears of it.
void coordinators::recall(
    store::database& session,
    std::int64_t writer,
    const saga_row& row,
    wall_time now,
    outgoing& out) {
  journal_table journal{session};
  coordinator* which = running_.find(row.id);
  const bool stands = row.now == phase::completed || row.now == phase::parked;
  if (which == nullptr && !stands) {
    return; // Its owner, or who takes it up, hears of it.
  }
  if (which != nullptr && which->by->what().undo.empty()) {
    return; // The steps it began with cannot all be undone: looked at again when it is over.
  }
  if (which == nullptr) {
    auto found = plans_.read(session, row);
    if (found && found->by->what().undo.empty()) {
      found = failure{
          error{.code = errc::conflict, .message = "the steps it began with cannot all be undone"}};
    }
    if (!found) {
      if (troubles_.leave_alone(row.id, found.error().message, now)) {
        out.parked_sagas.push_back({row.id, std::move(found).error().message, true});
      }
      return;
    }
    if (is_turned_back(found->current)) { // Parked: whoever resumes it ends this undo, too.
      return journal.take_all(row.id);
    }
    troubles_.forget(row.id);
    which = &running_.add(row.id, *found->by);
    which->current = std::move(found->current);
    which->since = now;
    which->epoch = row.epoch + 1;
    which->trace = row.trace;
    which->line = row.line;
    journal.give(row.id, writer, phase::undoing);
  }
  journal.take_all(row.id);
  move(session, *which, recalled{}, now, out);
}

outcome<uuid> coordinators::tell(
    store::database& session,
    std::string_view operation,
    const step& waits,
    std::string_view body,
    wall_time now) {
  auto told = tell_step(session, plans_, {operation, waits, body}, now);
  if (told) {
    told_.insert(*told);
  }
  return told;
}

void coordinators::hear(
    store::database& session,
    std::int64_t writer,
    bool look,
    wall_time now,
    instant time,
    outgoing& out) {
  journal_table journal{session};
  std::vector<uuid> ids{told_.begin(), told_.end()};
  if (look) {
    ids = journal.told_sagas(looked_to_, int{told_max});
    looked_to_ = ids.size() == told_max ? ids.back() : uuid{};
  }
  for (const uuid& id : ids) {
    (void)attempt(session, id, now, time, out, [&] {
      if (coordinator* which = running_.find(id)) {
        hear_one(session, *which, now, out);
      }
      const auto row = look ? journal.find(id) : std::nullopt;
      if (row && !journal.recalls(id).empty() && row->now != phase::compensated) {
        recall(session, writer, *row, now, out);
      }
      return true;
    });
  }
}

/// Gives a saga what was said to its steps that wait.
void coordinators::hear_one(
    store::database& session, coordinator& which, wall_time now, outgoing& out) {
  for (const std::uint32_t step : open_steps(which.current)) {
    const bool waits = which.by->at(step).act == step_act::wait
                       && which.current.now == phase::forward && is_open(which.current, step);
    if (!waits) {
      continue;
    }
    if (auto said = word_to(session, *which.by, which.current, step)) {
      move(session, which, std::move(*said), now, out);
    }
  }
}

void coordinators::admit(store::database& session, wall_time now, instant time, outgoing& out) {
  for (auto next = running_.next(); !next.empty(); next = running_.next()) {
    for (coordinator* const which : next) {
      const uuid id = which->current.saga;
      (void)attempt(session, id, now, time, out, [&] {
        move(session, *which, admitted{}, now, out);
        return true;
      });
    }
  }
}

void coordinators::answered(
    store::database& session,
    const uuid& id,
    std::uint64_t token,
    bool failed,
    std::string_view body,
    wall_time now,
    outgoing& out) {
  coordinator* which = running_.find(id);
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
  coordinator* which = running_.find(id);
  if (which == nullptr) {
    return;
  }
  hear_one(session, *which, now, out); // Whoever was told that the answer counts was told so.
  if (token == deadline_token) {
    move(session, *which, deadline_reached{}, now, out);
  } else {
    const saga::timer_due due{
        .step = static_cast<std::uint32_t>(token >> 32U),
        .token = static_cast<std::uint32_t>(token)};
    move(session, *which, due, now, out);
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
  if (coordinator* which = running_.find(id)) {
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
  auto found = plans_.read(session, row);
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
  for (const std::uint32_t step : open_steps(found->current)) {
    found->current.steps[step].hand.maybe_done = true; // The former owner may have asked.
  }
  if (is_parked || !goes_on) {
    if (auto may = may_obey(*found->by, found->current, wanted); !may) {
      return may;
    }
  }
  troubles_.forget(row.id);
  coordinator& loaded = running_.add(row.id, *found->by);
  loaded.current = std::move(found->current);
  loaded.since = now;
  loaded.epoch = row.epoch + 1;
  loaded.trace = row.trace;
  loaded.line = row.line;
  if (is_parked || !goes_on) {
    move(session, loaded, ordered{wanted}, now, out);
  } else {
    move(session, loaded, taken_over{}, now, out);
  }
  journal_table{session}.give(row.id, writer, loaded.current.now);
  return {};
}

void coordinators::put_off(const uuid& id, std::string reason, wall_time now, instant time) {
  running_.drop(id);
  troubles_.failed(id, std::move(reason), now, time);
}

void coordinators::committed() {
  if (std::exchange(resumed_, false)) {
    behind_ = false;
    lost_.clear();
  }
  plans_.committed();
  for (const uuid& id : running_.committed()) {
    troubles_.forget(id);
  }
  told_.clear();
}

void coordinators::rolled_back() {
  for (const uuid& id : running_.rolled_back()) {
    lost_.insert(id);
  }
  told_.clear();
  plans_.rolled_back();
  refused_bodies_.clear();
  listens_ = false;
  resumed_ = false;
}

void coordinators::forget_all() {
  running_.clear();
  told_.clear();
  troubles_.clear();
  lost_.clear();
  behind_ = true;
}

bool coordinators::take_up(
    store::database& session,
    std::int64_t writer,
    const uuid& id,
    wall_time now,
    instant time,
    outgoing& out) {
  if (running_.find(id) != nullptr || !troubles_.may_go_on(id, time)) {
    return false;
  }
  const bool runs =
      attempt(session, id, now, time, out, [&] { return load(session, writer, id, now, out); });
  if (runs) {
    troubles_.taken_up(id);
  }
  return runs;
}

bool coordinators::attempt(
    store::database& session,
    const uuid& id,
    wall_time now,
    instant time,
    outgoing& out,
    const std::function<bool()>& work) {
  const outgoing::sizes before = out.here();
  std::string fault;
  session.savepoint();
  try {
    const bool done = work();
    session.release();
    return done;
  } catch (const store::database_error& thrown) {
    if (!store::is_of_message_at_hand(thrown)) {
      running_.drop(id);
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
  listens_ = false;
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
  auto found = plans_.read(session, *row);
  if (found) {
    if (auto makes = can_make_commands(*found->by, found->current); !makes) {
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
  coordinator& loaded = running_.add(id, *found->by);
  loaded.current = std::move(found->current);
  loaded.since = found->since;
  loaded.epoch = row->epoch;
  loaded.trace = row->trace;
  loaded.line = row->line;
  if (is_free) {
    ++loaded.epoch;
    journal.give(id, writer, row->now);
  }
  const trouble* its = troubles_.find(id);
  if (its != nullptr && its->failures >= troubles::failures_max) {
    move(session, loaded, given_up{internal_error(its->reason, effect::unknown)}, now, out);
    return false;
  }
  move(session, loaded, taken_over{}, now, out);
  return true;
}

void coordinators::move(
    store::database& session, coordinator& which, event what, wall_time now, outgoing& out) {
  std::vector<action> actions;
  running_.touch(which);
  const phase before = which.current.now;
  decide(*which.by, which.current, std::move(what), now, actions);
  running_.moved(which);
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
      move(session, which, given_up{std::move(why), false, as.step}, now, out);
    }
  }
  if (std::exchange(listens_, false)) {
    hear_one(session, which, now, out);
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
    if (auto made = ask(which, *wanted, out); !made) {
      refused_bodies_.emplace_back(wanted->as, std::move(made).error());
    }
  } else if (const auto* wait = std::get_if<timer>(&what)) {
    out.timers.push_back({id, token_of(*wait), wait->delay});
  } else if (std::holds_alternative<listen>(what)) {
    listens_ = true;
  } else if (const auto* watch = std::get_if<watch_deadline>(&what)) {
    out.timers.push_back({id, deadline_token, watch->delay});
  } else if (const auto* end = std::get_if<finish>(&what)) {
    journal.set_phase(id, which.current.now);
    if (which.current.now == phase::completed) { // Who has it undone is heard at the next look.
      journal.take_words(id);
    } else {
      journal.take_all(id);
      for (const uuid& undo : journal.recalls(id)) {
        answer_with(session, undo, wire::encoded(undo_saga{id}), false, out);
      }
    }
    if (which.current.was_completed && which.current.now == phase::compensated) {
      return; // Its caller has been told that it was completed.
    }
    const auto leaves = may_leave(end->answer, out.body_bytes_max);
    std::string bytes;
    if (leaves) {
      bytes = *end->answer;
    } else {
      wire::append_error(bytes, leaves.error());
    }
    answer_with(session, id, std::move(bytes), !leaves, out);
    if (observe::says_recorded(which.trace)) {
      out.traced.push_back(
          {id, which.by->what().operation, which.trace, which.current.now == phase::compensated});
    }
  } else if (const auto* stuck = std::get_if<park>(&what)) {
    journal.set_phase(id, phase::parked);
    out.parked_sagas.push_back({id, stuck->reason.message});
  }
}

} // namespace troupe::saga
