#include "runtime/saga/coordinators.hpp"

#include "runtime/saga/replay.hpp"
#include "runtime/store/turn/inbox.hpp"
#include "runtime/wire/envelope.hpp"

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

} // namespace

coordinators::coordinators(std::vector<plan> plans) : plans_{std::move(plans)} {
}

const plan* coordinators::find(std::string_view operation) const {
  for (const plan& known : plans_) {
    if (known.what().operation == operation) {
      return &known;
    }
  }
  return nullptr;
}

outcome<void> coordinators::start(
    store::database& session,
    std::int64_t writer,
    const uuid& id,
    const plan& by,
    std::string_view input,
    milliseconds within,
    wall_time now,
    outgoing& out) {
  if (by.what().accept) {
    if (auto accepted = is_accepted(by, input); !accepted) {
      return accepted;
    }
  }
  journal_table{session}.add(id, by.what().operation, writer);
  move(session, add(id, by), started{std::string{input}, now, within}, now, out);
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
    auto why = wire::read_error(body);
    move(
        session,
        *which,
        saga::failed{asked_of(token), why ? std::move(*why) : std::move(why).error()},
        now,
        out);
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

std::size_t
coordinators::resume(store::database& session, std::int64_t writer, wall_time now, outgoing& out) {
  resumed_ = true;
  std::size_t count = 0;
  for (const uuid& id : journal_table{session}.unfinished(writer)) {
    if (running(id) == nullptr) {
      load(session, writer, id, now, out);
      ++count;
    }
  }
  return count;
}

void coordinators::give_up(
    store::database& session, std::int64_t writer, const uuid& id, outgoing& out) {
  journal_table journal{session};
  const auto row = journal.find(id);
  if (!row || row->writer != writer || row->now > phase::undoing) {
    return;
  }
  if (coordinator* which = running(id)) {
    touch(*which);
    which->given_up = true;
  }
  journal.set_phase(id, phase::parked);
  out.parked_sagas.push_back({id, "what happened to it could not be written down"});
}

void coordinators::committed() {
  behind_ = behind_ && !resumed_;
  resumed_ = false;
  for (const uuid& id : touched_) {
    const auto found = running_.find(id);
    if (found == running_.end()) {
      continue;
    }
    found->second->touched = false;
    if (found->second->given_up || found->second->current.is_over()
        || found->second->current.now == phase::parked) {
      running_.erase(found);
    }
  }
  touched_.clear();
}

void coordinators::rolled_back() {
  for (const uuid& id : touched_) {
    running_.erase(id);
    behind_ = true;
  }
  touched_.clear();
  resumed_ = false;
}

void coordinators::forget_all() {
  running_.clear();
  touched_.clear();
  behind_ = true;
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

void coordinators::load(
    store::database& session, std::int64_t writer, const uuid& id, wall_time now, outgoing& out) {
  journal_table journal{session};
  const auto row = journal.find(id);
  if (!row || row->writer != writer || row->now > phase::undoing) {
    return; // Over, parked, or somebody else's by now.
  }
  const plan* by = find(row->operation);
  std::vector<std::string> bytes;
  const auto rows = journal.rows(id, bytes);
  auto replayed = by == nullptr ? outcome<state>{failure{
                      internal_error(fmt::format("no saga `{}` in this program", row->operation))}}
                                : replay(*by, id, rows);
  if (!replayed) {
    // No record could follow such a journal: it is left as it is, for a person to look at.
    journal.set_phase(id, phase::parked);
    out.parked_sagas.push_back({id, replayed.error().message});
    return;
  }
  coordinator& loaded = add(id, *by);
  loaded.current = std::move(*replayed);
  loaded.epoch = row->epoch;
  move(session, loaded, taken_over{now}, now, out);
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
    move(session, which, failed{as, std::move(why)}, now, out);
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
  } else if (const auto* wanted = std::get_if<call>(&what)) {
    ask(which, *wanted, out);
  } else if (const auto* wait = std::get_if<timer>(&what)) {
    out.timers.push_back({id, wait->token, wait->delay});
  } else if (const auto* watch = std::get_if<watch_deadline>(&what)) {
    out.timers.push_back({id, deadline_token, watch->delay});
  } else if (const auto* end = std::get_if<finish>(&what)) {
    outgoing::answer answer{id, !end->answer, {}};
    if (end->answer) {
      answer.bytes = *end->answer;
    } else {
      wire::append_error(answer.bytes, end->answer.error());
    }
    const auto settled = answer.failed ? store::inbox_state::refused : store::inbox_state::ok;
    store::inbox{session}.settle(id, settled, answer.bytes);
    journal.set_phase(id, which.current.now);
    out.answers.push_back(std::move(answer));
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
  out.calls.push_back(
      {.saga = current.saga,
       .token = token_of(wanted.as),
       .id = wanted.id,
       .capability = which.by->at(wanted.as.step).capability,
       .operation = operation_of(*which.by, wanted),
       .key = std::move(*key),
       .body = std::move(*body),
       .timeout = wanted.timeout});
}

void coordinators::touch(coordinator& which) {
  if (!which.touched) {
    which.touched = true;
    touched_.push_back(which.current.saga);
  }
}

} // namespace troupe::saga
