#include "runtime/worker/call_turn.hpp"

#include "runtime/actor/actor.hpp"
#include "runtime/fault_point.hpp"
#include "runtime/store/blobs.hpp"
#include "runtime/time_text.hpp"
#include "runtime/wire/envelope.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <span>
#include <stdexcept>

namespace troupe {

namespace {

// The most that a caller's clock may be ahead. The row of an id from further in the future would
// stay for as long, and as the newest id it would end the short cut for new ids (known_ids.hpp).
constexpr std::chrono::hours clocks_differ_max{1};
constexpr milliseconds clock_retry_after{1'000};
constexpr std::chrono::minutes clock_told_every{1};

error too_many_effects() {
  return {
      .code = errc::overloaded,
      .message = "too many effects under way",
      .retry_after = milliseconds{100}};
}

/// Marks a stored error as final if its code alone would say "again, same id".
void mark_final(std::string& bytes) {
  auto why = wire::read_error(bytes);
  if (why && is_momentary(*why)) {
    why->is_final = true;
    bytes.clear();
    wire::append_error(bytes, *why);
  }
}

/// Whether the effect with these bytes as its key is among those that a handler asked for, or any
/// is if there are none.
bool is_asked_for(std::string_view key, std::span<const store::effect_row> effects) {
  return key.empty() ? !effects.empty()
                     : std::ranges::any_of(effects, [&](const store::effect_row& each) {
                         return store::text_of(each.key.view()) == key;
                       });
}

} // namespace

bool call_turn::run(write& each, turn_scope& in) {
  const item& what = *each.what;
  const std::uint64_t digest = what.token;
  if (is_answered_without_work(each, digest, in)) {
    return true;
  }
  const auto before = in.output.here();
  const std::int64_t changed_before = in.session.changes();
  if (each.with_savepoint) {
    inbox_.insert_rows(); // Rows of messages before this one are not to be undone with it.
    in.session.savepoint();
  }
  each.ran = true;
  in.spans.begin(each, what.trace);
  const auto handled = handle(each, in);
  if (!handled) {
    in.output.back_to(before);
    if (each.with_savepoint) {
      in.session.rollback_to_savepoint();
    } else if (in.session.changes() != changed_before) {
      // Refused after writing, which is rare: savepoints for all would cost more than running this
      // turn again with one for it.
      each.with_savepoint = true;
      return false;
    }
    fail(each, handled.error());
    if (verdict_on(handled.error().code).is_kept) {
      keep(each, digest, store::inbox_state::refused);
    }
    return true;
  }
  if (each.with_savepoint) {
    in.session.release();
  }
  if (*handled != handlers::answered::later) {
    each.result.is = answer::kind::ok;
    keep(each, digest, store::inbox_state::ok);
    return true;
  }
  each.result.is = answer::kind::pending;
  // The effect's own attempts report to the breaker.
  each.says_nothing = in.output.effects.size() != before.requests.effects;
  if (!take_own_answer(each, before.sagas.answers, in.output)) {
    keep(each, digest, store::inbox_state::pending);
    if (in.sagas != nullptr && in.sagas->plans().find_undone_by(what.operation) != nullptr) {
      inbox_.insert_rows(); // The row must be there: the undo may end in this turn, too.
    }
  } else if (each.result.is == answer::kind::ok) {
    keep(each, digest, store::inbox_state::ok);
  } else {
    keep(each, digest, store::inbox_state::refused);
  }
  return true;
}

outcome<handlers::answered> call_turn::handle(write& each, turn_scope& in) {
  const std::string_view operation = each.what->operation;
  if (in.sagas == nullptr) {
    return run_command(each, in);
  }
  if (const saga::plan* by = in.sagas->plans().find(operation)) {
    return start_saga(each, *by, in);
  }
  const saga::plan* const undone = in.sagas->plans().find_undone_by(operation);
  return undone == nullptr ? run_command(each, in) : undo_saga(each, *undone, in);
}

/// Takes the answer of a saga that ends in the turn that began it: no row is left pending.
bool call_turn::take_own_answer(write& each, std::size_t from, turn_output& output) {
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

void call_turn::keep(const write& each, std::uint64_t digest, store::inbox_state state) {
  inbox_.add(
      {each.what->id,
       each.what->operation,
       digest,
       state,
       each.result.bytes,
       {group_.parts().node, each.replica, static_cast<int>(each.what->attempt)}});
}

/// Answers repeats, and calls that must not be begun.
bool call_turn::is_answered_without_work(write& each, std::uint64_t digest, const turn_scope& in) {
  each.says_nothing = true;
  const bool is_known = answer_from_inbox(each, digest);
  each.what->may_be_done = false; // Now that it was looked up, it is or is not.
  if (is_known) {
    in.output.tells_stored = true;
    group_.counters().repeats.fetch_add(1, std::memory_order_relaxed);
    return true;
  }
  if (const auto why = why_not(each.what->id, in)) {
    fail(each, *why);
    return true;
  }
  if (fail_if_late(each, in.began)) {
    return true;
  }
  each.says_nothing = false;
  return false;
}

bool call_turn::answer_from_inbox(write& each, std::uint64_t digest) {
  auto known = inbox_.find(each.what->id);
  if (!known) {
    return false;
  }
  if (known->digest != digest) {
    set_error(
        each.result,
        {.code = errc::conflict,
         .message = "this id was used for another request; use a new id for a new request",
         .details = {{"reason", "id_reused"}}});
    return true;
  }
  each.result.bytes = std::move(known->reply);
  switch (known->state) {
  case store::inbox_state::pending:
    each.result.is = answer::kind::pending;
    awaited_.add(each.what->id);
    break;
  case store::inbox_state::ok:
    each.result.is = answer::kind::ok;
    break;
  case store::inbox_state::refused:
    each.result.is = answer::kind::error;
    mark_final(each.result.bytes);
    break;
  }
  return true;
}

outcome<handlers::answered>
call_turn::start_saga(const write& each, const saga::plan& by, turn_scope& in) {
  const item& what = *each.what;
  const auto left =
      std::chrono::duration_cast<milliseconds>(what.deadline - group_.parts().time.now());
  auto started = in.sagas->start(
      in.of_sagas(),
      what.id,
      by,
      what.body,
      std::max(left, milliseconds{1}),
      each.trace(what.trace),
      what.key);
  if (started) {
    return handlers::answered::later;
  }
  if (started.error().detail("reason") == "queue_full") {
    group_.counters().sagas_refused.fetch_add(1, std::memory_order_relaxed);
  }
  return failure{std::move(started).error()};
}

outcome<handlers::answered>
call_turn::undo_saga(write& each, const saga::plan& of, turn_scope& in) {
  TROUPE_TRY(const auto wanted, wire::checked_decode<saga::undo_saga>(each.what->body));
  inbox_.insert_rows(); // The saga may have begun, and may end, in this turn.
  TROUPE_TRY(const auto is_undone, in.sagas->undo(in.of_sagas(), of, wanted.saga, each.what->id));
  if (!is_undone) {
    return handlers::answered::later;
  }
  each.result.bytes = wire::encoded(wanted);
  return handlers::answered::now;
}

outcome<handlers::answered> call_turn::run_command(write& each, turn_scope& in) {
  const item& what = *each.what;
  // Only the handler knows whether a command asks for an effect; this is remembered, so that the
  // turn is not undone each time.
  const bool is_full = in.effects != nullptr && !in.effects->has_room();
  if (is_full && ask_for_effects_.contains(what.operation)) {
    return failure{too_many_effects()};
  }
  const std::size_t effects_before = in.output.effects.size();
  store::lending lent{&in.handlers, in.output.at_savepoints()};
  turn current{*each.by, lent.session(), in.writer, what.id, what.key, in.now, in.output};
  current.in_trace(each.trace(what.trace), each.recorded());
  try {
    const auto& command = std::get<handlers::command>(*each.by->find(what.operation).how);
    TROUPE_FAULT("turn.before_handler");
    auto handled = command.run(what.body, current, each.result.bytes);
    lent.end();
    if (each.with_savepoint) {
      in.session.await(); // It is run so to find out which of its statements fails.
    }
    TROUPE_FAULT("turn.after_handler");
    if (handled && *handled == handlers::answered::later
        && !is_asked_for(each.result.bytes, std::span{in.output.effects}.subspan(effects_before))) {
      throw std::logic_error{"it put its answer off and asked for no effect that would bring one"};
    }
    if (is_full && in.output.effects.size() != effects_before) {
      ask_for_effects_.emplace(what.operation);
      return failure{too_many_effects()};
    }
    TROUPE_CHECK(group_.check_answer(each.result.bytes.size(), effect::none));
    return handled;
  } catch (const cannot_leave& refused) {
    return failure{refused.why()};
  } catch (const store::database_error& fault) {
    if (fault.kind != store::database_fault::constraint || fault.of_message) {
      throw;
    }
    return failure{fault.to_error()};
  }
}

/// The reason why a call with an id that has no row in the inbox must not be begun, if there is
/// one.
std::optional<error> call_turn::why_not(const uuid& id, const turn_scope& in) {
  if ((id.version() != 7 && id.version() != 8) || id.birth().count() != unix_millis(id.born())) {
    return invalid("the id does not begin with a time of this age; ids of calls are UUIDv7");
  }
  if (inbox_.is_forgotten(id)) {
    return invalid(fmt::format(
        "the id is older than {} hours, for which repeats are known, so this may be one whose "
        "answer is forgotten; use a new id for a new request, and look at the caller's clock",
        group_.options().inbox_kept.count()));
  }
  // No final refusal: the wrong clock may be the local one.
  const wall_time latest = std::max(in.now, in.settled) + clocks_differ_max;
  return id.born() > latest ? std::optional{ahead_of_clock(id, in)} : std::nullopt;
}

/// Refuses a call for now, and logs why: a broker that finds no node to accept it says only that
/// none did.
error call_turn::ahead_of_clock(const uuid& id, const turn_scope& in) {
  error why{
      .code = errc::unavailable,
      .message = fmt::format(
          "the id was made at {}, more than {} h ahead of the clock of {}; put right whichever of "
          "the two clocks is wrong",
          utc_time_text(id.born()),
          clocks_differ_max.count(),
          group_.parts().node),
      .retry_after = clock_retry_after};
  if (in.began - told_of_clock_ > clock_told_every) {
    told_of_clock_ = in.began;
    group_.parts().log.write(
        "call.ahead_of_clock",
        {{"capability", group_.name()}, {"call", to_string(id)}, {"reason", why.message}});
  }
  return why;
}

} // namespace troupe
