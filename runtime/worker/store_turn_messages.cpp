#include "runtime/fault_point.hpp"
#include "runtime/wire/envelope.hpp"
#include "runtime/worker/store_turn.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <stdexcept>

// What a turn does with each message. The transaction around them is in store_turn.cpp.

namespace troupe {

namespace {

// What the group tells itself cannot be asked for again. If it throws it is tried so often, then
// given up in words: the call gets an error, or the saga is parked.
constexpr int own_attempts_max = 3;
// An id from the future would outlive its inbox row: so much may the clocks differ.
constexpr std::chrono::hours clocks_differ_max{1};

void set_error(answer& to, const error& why) {
  to.is = answer::kind::error;
  to.bytes.clear();
  wire::append_error(to.bytes, why);
}

/// A refusal is the business's last word on this id; what is not one may succeed another time.
bool is_final(errc code) {
  return code == errc::rejected || code == errc::conflict || code == errc::forbidden;
}

} // namespace

bool store_turn::run_one(write& each, turn_output& output, wall_time now) {
  switch (each.what->what) {
  case item::kind::call:
    return run_call(each, output, now);
  case item::kind::effect_done:
    return run_effect_result(each, output, now);
  case item::kind::saga_answered:
  case item::kind::saga_timer:
    run_saga_event(each, output, now);
    return true;
  case item::kind::housekeeping:
    keep_house(*each.what, output, now);
    return true;
  case item::kind::breaker_order:
    keep_order(each, output, now);
    return true;
  case item::kind::event:
    return events_.run(each, output, now);
  case item::kind::assignment:
    events_.assign(*each.what);
    return true;
  case item::kind::buried:
    events_.bury(*each.what);
    return true;
  case item::kind::timers_due:
    move_timers(output, now);
    return true;
  case item::kind::events_again:
  case item::kind::journal_joined:
  case item::kind::journal_left:
  case item::kind::confirmed:
  case item::kind::resend:
    return true; // The runner's own.
  }
  return true;
}

void store_turn::run_saga_event(write& each, turn_output& output, wall_time now) {
  const item& what = *each.what;
  store::database& session = *store_.database;
  each.ran = true;
  if (what.attempt > own_attempts_max) {
    sagas_->give_up(session, store_.writer, what.saga, output);
  } else if (what.what == item::kind::saga_timer) {
    sagas_->timer_due(session, what.saga, what.token, now, output);
  } else {
    sagas_->answered(session, what.saga, what.token, what.failed, what.body, now, output);
  }
}

bool store_turn::run_call(write& each, turn_output& output, wall_time now) {
  const item& what = *each.what;
  const std::uint64_t digest = digest_of(std::as_bytes(std::span{what.body}))
                               ^ digest_of(std::as_bytes(std::span{what.operation}));
  if (is_answered_without_work(each, digest, now)) {
    return true;
  }
  const auto before = output.here();
  const std::int64_t changed_before = store_.database->changes();
  if (each.with_savepoint) {
    store_.database->savepoint();
  }
  each.ran = true;
  const auto handled = handle(each, output, now);
  if (handled) {
    if (each.with_savepoint) {
      store_.database->release();
    }
    const bool later = *handled == handlers::answered::later;
    each.result.is = later ? answer::kind::pending : answer::kind::ok;
    // How the outside fares is told by the effect's own tries.
    each.says_nothing = later && output.effects.size() != before.effects;
    if (!later) {
      keep(each, digest, store::inbox_state::ok);
    } else if (take_own_answer(each, before.answers, output)) {
      keep(
          each,
          digest,
          each.result.is == answer::kind::ok ? store::inbox_state::ok
                                             : store::inbox_state::refused);
    } else {
      keep(each, digest, store::inbox_state::pending);
    }
    return true;
  }
  output.back_to(before);
  if (each.with_savepoint) {
    store_.database->rollback_to_savepoint();
  } else if (store_.database->changes() != changed_before) {
    // Refused after it had written, which is rare: savepoints for all would cost more than running
    // this turn again with one for it.
    each.with_savepoint = true;
    return false;
  }
  each.failed = handled.error().code;
  set_error(each.result, handled.error());
  if (is_final(handled.error().code)) {
    keep(each, digest, store::inbox_state::refused);
  }
  return true;
}

/// A saga may be over in the turn that begins it: then its answer is its call's, and no row waits.
bool store_turn::take_own_answer(write& each, std::size_t from, turn_output& output) {
  const auto found = std::find_if(
      output.answers.begin() + static_cast<std::ptrdiff_t>(from),
      output.answers.end(),
      [&](const saga::outgoing::answer& its) { return its.call == each.what->id; });
  if (found == output.answers.end()) {
    return false;
  }
  each.result = {found->failed ? answer::kind::error : answer::kind::ok, std::move(found->bytes)};
  output.answers.erase(found);
  return true;
}

/// Into the inbox with what came of it, together with the next few.
void store_turn::keep(const write& what, std::uint64_t digest, store::inbox_state state) {
  known_.add(what.what->id); // An id left out there would pass for new.
  inbox_rows_.push_back(
      {what.what->id,
       what.what->operation,
       digest,
       state,
       what.result.bytes,
       {group_.parts().node, what.replica, what.what->attempt}});
  if (inbox_rows_.size() == store::inbox::rows_best) {
    insert_inbox_rows();
  }
}

void store_turn::insert_inbox_rows() {
  const std::size_t at = std::exchange(at_, none); // It is not the fault of the message at hand.
  store::inbox{*store_.database}.insert(inbox_rows_);
  inbox_rows_.clear();
  at_ = at;
}

/// Repeats, and what must not be begun.
bool store_turn::is_answered_without_work(write& each, std::uint64_t digest, wall_time now) {
  each.says_nothing = true;
  if (answer_from_inbox(each, digest)) {
    group_.counters().repeats.fetch_add(1, std::memory_order_relaxed);
    return true;
  }
  if (is_too_old(each.what->id, now)) {
    each.failed = errc::invalid;
    set_error(
        each.result,
        invalid(fmt::format(
            "the id was not made (UUIDv7) within the last {} hours, for which repeats are known; "
            "is "
            "the caller's clock right?",
            group_.options().inbox_kept.count())));
    return true;
  }
  if (each.what->deadline <= began_) { // It waited for the lock.
    each.failed = errc::deadline_exceeded;
    set_error(
        each.result,
        {.code = errc::deadline_exceeded, .message = "the time was up before it was begun"});
    return true;
  }
  each.says_nothing = false;
  return false;
}

bool store_turn::answer_from_inbox(write& each, std::uint64_t digest) {
  if (known_.is_new(each.what->id)) {
    return false;
  }
  insert_inbox_rows(); // It may be one of them.
  auto known = store::inbox{*store_.database}.find(each.what->id);
  if (!known) {
    return false;
  }
  if (known->digest != digest) {
    set_error(
        each.result,
        {.code = errc::conflict,
         .message = "this id was used for another request; use a new id for a new request"});
    return true;
  }
  each.result.bytes = std::move(known->reply);
  switch (known->state) {
  case store::inbox_state::pending:
    each.result.is = answer::kind::pending;
    break;
  case store::inbox_state::ok:
    each.result.is = answer::kind::ok;
    break;
  case store::inbox_state::refused:
    each.result.is = answer::kind::error;
    break;
  }
  return true;
}

outcome<handlers::answered> store_turn::handle(write& each, turn_output& output, wall_time now) {
  const item& what = *each.what;
  const saga::plan* by = sagas_ == nullptr ? nullptr : sagas_->find(what.operation);
  if (by == nullptr) {
    return run_command(each, output, now);
  }
  const auto left =
      std::chrono::duration_cast<milliseconds>(what.deadline - group_.parts().time.now());
  auto started = sagas_->start(
      *store_.database,
      store_.writer,
      what.id,
      *by,
      what.body,
      std::max(left, milliseconds{1}),
      now,
      output);
  return started ? outcome<handlers::answered>{handlers::answered::later}
                 : failure{std::move(started).error()};
}

outcome<handlers::answered>
store_turn::run_command(write& each, turn_output& output, wall_time now) {
  const item& what = *each.what;
  if (effects_ != nullptr && !effects_->has_room()) {
    return failure{
        {.code = errc::overloaded,
         .message = "too many effects under way",
         .retry_after = milliseconds{100}}};
  }
  const std::size_t effects_before = output.effects.size();
  turn current{store_.database.get(), store_.writer, what.id, what.key, now, output};
  try {
    const auto& command = std::get<handlers::command>(*each.by->find(what.operation));
    TROUPE_FAULT("turn.before_handler");
    auto handled = command.run(what.body, current, each.result.bytes);
    TROUPE_FAULT("turn.after_handler");
    if (handled && *handled == handlers::answered::later
        && output.effects.size() == effects_before) {
      throw std::logic_error{"it put its answer off and asked for no effect that would bring one"};
    }
    if (auto fits = group_.check_answer(each.result.bytes.size(), troupe::effect::none); !fits) {
      return failure{std::move(fits).error()};
    }
    return handled;
  } catch (const store::database_error& fault) {
    if (fault.kind != store::database_fault::constraint) {
      throw;
    }
    return failure{fault.to_error()};
  }
}

bool store_turn::run_effect_result(write& each, turn_output& output, wall_time now) {
  store::effects effects{*store_.database};
  each.ran = true;
  const auto row = effects.find(each.what->id, store_.writer);
  if (!row) {
    return true; // It has a result already, or somebody else took it over.
  }
  outcome<std::string_view> result = each.what->body;
  if (each.what->failed) {
    auto why = wire::read_error(each.what->body);
    result = failure{why ? std::move(*why) : std::move(why).error()};
  }
  saga::outgoing::answer settled{row->call, false, {}};
  // Unlike a command's, the refusal of a settlement keeps what it wrote: that the card was declined
  // is itself a fact to keep.
  auto handled = settle(each, *row, result, settled.bytes, output, now);
  if (handled) {
    handled = group_.check_answer(settled.bytes.size(), troupe::effect::unknown);
  }
  if (!handled) {
    settled.failed = true;
    settled.bytes.clear();
    wire::append_error(settled.bytes, handled.error());
  }
  effects.remove(row->key);
  const bool was_pending = store::inbox{*store_.database}.settle(
      row->call,
      settled.failed ? store::inbox_state::refused : store::inbox_state::ok,
      settled.bytes);
  if (was_pending) { // An event's handler asked for it, if not: nobody waits.
    output.answers.push_back(std::move(settled));
  }
  return true;
}

outcome<void> store_turn::settle(
    write& each,
    const store::effect_row& row,
    const outcome<std::string_view>& result,
    std::string& reply,
    turn_output& output,
    wall_time now) {
  const handlers::effect* effect = each.by->find_effect(row.name);
  if (effect == nullptr) {
    return failure{internal_error("no such effect in this program", troupe::effect::unknown)};
  }
  if (each.what->attempt > own_attempts_max) {
    return failure{
        {.code = errc::crashed,
         .possible = troupe::effect::unknown,
         .message = fmt::format("the result of `{}` could not be written down", row.name)}};
  }
  turn current{store_.database.get(), store_.writer, row.call, {}, now, output};
  current.name_events_after(row.key);
  TROUPE_FAULT("effect.before_settle");
  return effect->settle(row.request, result, current, reply);
}

bool store_turn::is_too_old(const uuid& id, wall_time now) const {
  if (id.version() != 7 && id.version() != 8) {
    return true;
  }
  return id.born() < now - group_.options().inbox_kept || id.born() > now + clocks_differ_max;
}

} // namespace troupe
