#include "runtime/worker/store_turn.hpp"

#include "runtime/fault_point.hpp"
#include "runtime/thrown.hpp"
#include "runtime/worker/breaker_orders.hpp"
#include "runtime/worker/due_timers.hpp"
#include "runtime/worker/late_results.hpp"

#include <fmt/format.h>

namespace troupe {

namespace {

constexpr milliseconds turn_time_max{5};
constexpr milliseconds try_again_after{1'000};
// Fewer confirmed events than this are not deleted, so that not every turn has to delete a few.
constexpr std::uint64_t outbox_trimmed_least = 1'024;
constexpr std::chrono::seconds inbox_forget_interval{60};
constexpr int inbox_rows_forgotten_max = 2'000;

/// Whether one message can cause the fault by itself. Other faults meet every writer.
bool is_of_one_message(store::database_fault fault) {
  return fault == store::database_fault::constraint || fault == store::database_fault::schema
         || fault == store::database_fault::other;
}

/// Fails the first `count` writes of a turn that was undone.
void fail_all(std::vector<write>& writes, std::size_t count, const error& why) {
  for (std::size_t i = 0; i < count; ++i) {
    writes[i].says_nothing = false;
    writes[i].spoilt = writes[i].ran;
    fail(writes[i], why);
  }
}

} // namespace

store_turn::store_turn(group& of, runner_store& store, event_turn& events, busy_clock& busy)
    : group_{of}, store_{store}, events_{events}, busy_{busy}, inbox_{*store.database},
      calls_{of, inbox_}, trim_{*store.database} {
}

std::size_t
store_turn::run(std::vector<write>& writes, turn_output& output, saga::coordinators* sagas) {
  sagas_ = sagas;
  takeover_.begin();
  output.clear();
  if (!take_lock(writes)) {
    return writes.size();
  }
  std::size_t count = writes.size();
  // When a message throws, the turn is run again with the messages before it only, and the message
  // has its result: `crashed`. An event that threw stays in the turn: its failure is written down,
  // and its handler is not called.
  bool thrown = false;
  bool is_settled = false;
  end ended = end::again;
  do {
    ended = attempt(writes, count, !thrown, output);
    if (ended == end::threw) {
      is_settled = writes[at_].what->what != item::kind::event;
      count = is_settled ? at_ : at_ + 1;
      thrown = true;
    }
  } while (ended == end::again || (ended == end::threw && count != 0));
  if (ended != end::committed) {
    output.clear();
  }
  store_.gate.unlock();
  busy_.rest();
  group_.counters().turns.fetch_add(1, std::memory_order_relaxed);
  return is_settled ? count + 1 : count;
}

bool store_turn::take_lock(std::vector<write>& writes) {
  if (lock_patiently(group_, store_.gate)) {
    return true;
  }
  fail_all(
      writes,
      writes.size(),
      {.code = errc::unavailable,
       .message = "the database is locked by another process",
       .retry_after = try_again_after});
  return false;
}

store_turn::end store_turn::attempt(
    std::vector<write>& writes, std::size_t& count, bool may_end_early, turn_output& output) {
  output.clear();
  at_ = none;
  for (write& each : writes) {
    each.ran = false;
  }
  try {
    if (!run_all(writes, count, may_end_early, output)) {
      roll_back();
      return end::again;
    }
    TROUPE_FAULT("turn.before_commit");
    store_.database->commit();
  } catch (const store::database_error& fault) {
    return after_fault(writes, count, fault);
  } catch (...) {
    return blame(writes, count, what_was_thrown());
  }
  // From here on the turn has happened, and no answer may say otherwise.
  finish_commit();
  return end::committed;
}

bool store_turn::run_all(
    std::vector<write>& writes, std::size_t& count, bool may_end_early, turn_output& output) {
  const clock& time = group_.parts().time;
  const instant began = time.now();
  busy_.begin(began);
  store_.database->begin();
  inbox_.begin();
  if (store::writers{*store_.database}.is_fenced(store_.writer)) {
    roll_back();
    takeover_.rejoin(group_, store_, sagas_, effects_);
    return false;
  }
  turn_scope in{
      group_, *store_.database, store_.writer, sagas_, effects_, output, began, time.wall()};
  if (sagas_ != nullptr && sagas_->wants_resume()) {
    sagas_->resume(in.session, in.writer, in.now, output);
  }
  instant last = began;
  for (at_ = 0; at_ < count; ++at_) {
    write& each = writes[at_];
    each.result = {};
    each.says_nothing = false;
    each.failed.reset();
    if (!run_one(each, in)) {
      return false;
    }
    const instant done = time.now();
    each.took = done - last;
    last = done;
    if (may_end_early && done - began > turn_time_max) {
      count = at_ + 1; // The others get another turn, so that this commit comes soon.
    }
  }
  inbox_.insert_rows();
  if (!output.events.empty()) {
    trim_.run(outbox_trimmed_least);
  }
  events_.finish();
  return true;
}

bool store_turn::run_one(write& each, turn_scope& in) {
  switch (each.what->what) {
  case item::kind::call:
    return calls_.run(each, in);
  case item::kind::event:
    return events_.run(each, in.output, in.now);
  case item::kind::effect_done:
    run_effect_result(each, in);
    return true;
  case item::kind::saga_answered:
  case item::kind::saga_timer:
    run_saga_event(each, in);
    return true;
  case item::kind::housekeeping:
    keep_house(*each.what, in);
    return true;
  case item::kind::breaker_order:
    keep_breaker_order(each, in);
    return true;
  case item::kind::assignment:
    events_.assign(*each.what);
    return true;
  case item::kind::dead_letters:
    events_.add_dead_letters(*each.what);
    return true;
  case item::kind::timers_due:
    publish_due_timers(in);
    return true;
  case item::kind::events_again:
  case item::kind::journal_joined:
  case item::kind::journal_left:
  case item::kind::confirmed:
  case item::kind::resend:
    return true; // The runner carries these items out itself, outside of turns.
  }
  return true;
}

void store_turn::keep_house(const item& what, turn_scope& in) {
  publish_due_timers(in); // A process that is gone may have set timers.
  trim_.run(1);
  read_breaker_order(in); // Another node may have stored an order.
  if (takeover_.look(what, in) && group_.parts().time.now() - forgot_at_ > inbox_forget_interval) {
    forgot_at_ = group_.parts().time.now();
    store::inbox{in.session}.forget(in.now - group_.options().inbox_kept, inbox_rows_forgotten_max);
  }
}

store_turn::end store_turn::after_fault(
    std::vector<write>& writes, std::size_t count, const store::database_error& fault) {
  if (at_ < count && !inbox_.is_inserting() && is_of_one_message(fault.kind)) {
    return blame(writes, count, fault.what());
  }
  roll_back();
  group_.parts().log.write(
      "store.turn_failed",
      {{"capability", group_.name()},
       {"fault", std::string{name_of(fault.kind)}},
       {"messages", fmt::to_string(count)},
       {"reason", fault.what()}});
  error why = fault.to_error();
  if (fault.kind == store::database_fault::corrupt) {
    group_.shut(why); // Every later turn may read what is damaged, and write on top of it.
    const effect possible = why.possible;
    why = group_.shut_error();
    why.possible = possible;
  } else if (why.code == errc::unavailable) {
    why.retry_after = milliseconds{500};
  }
  fail_all(writes, count, why);
  return end::failed;
}

/// Fails the message at hand, whose handler threw; the others are to be run without it.
store_turn::end
store_turn::blame(std::vector<write>& writes, std::size_t count, std::string reason) {
  roll_back();
  if (at_ >= count || inbox_.is_inserting()) { // Thrown by the runtime, not by a handler.
    group_.parts().log.write(
        "store.turn_failed", {{"capability", group_.name()}, {"reason", reason}});
    fail_all(writes, count, internal_error("the turn failed and was undone"));
    return end::failed;
  }
  write& guilty = writes[at_];
  guilty.threw = std::move(reason);
  guilty.says_nothing = false;
  fail(
      guilty,
      {.code = errc::crashed,
       .message =
           fmt::format("the handler of `{}` failed; nothing was done", guilty.what->operation)});
  return end::threw;
}

/// Follows a commit, while the lock is still held.
void store_turn::finish_commit() {
  inbox_.committed();
  events_.committed();
  trim_.committed();
  if (sagas_ != nullptr) {
    sagas_->committed();
  }
  try {
    TROUPE_FAULT("turn.committed");
    store_.database->checkpoint();
  } catch (const std::exception& fault) {
    group_.parts().log.write(
        "store.checkpoint_failed", {{"capability", group_.name()}, {"reason", fault.what()}});
  }
}

void store_turn::roll_back() {
  store_.database->rollback();
  events_.rolled_back();
  trim_.rolled_back();
  if (sagas_ != nullptr) {
    sagas_->rolled_back();
  }
}

} // namespace troupe
