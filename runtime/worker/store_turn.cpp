#include "runtime/worker/store_turn.hpp"

#include "runtime/fault_point.hpp"
#include "runtime/store/turn/faults.hpp"
#include "runtime/thrown.hpp"
#include "runtime/worker/breaker_orders.hpp"
#include "runtime/worker/due_timers.hpp"
#include "runtime/worker/late_results.hpp"
#include "runtime/worker/person_orders.hpp"
#include "runtime/worker/saga_orders.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <utility>

namespace troupe {

namespace {

// The index of the message at hand before the first.
constexpr auto no_message = static_cast<std::size_t>(-1);
constexpr milliseconds try_again_after{1'000};
// A group that is down has calls to refuse, too.
constexpr milliseconds resign_patience{100};
// The interval of such answers, as with housekeeping. Others wait for 700 ms.
constexpr milliseconds alive_interval{250};
constexpr milliseconds alive_patience{100};
// The pages from which on a checkpoint is no usual one, and may take longer than a turn.
constexpr std::int64_t pages_of_a_turn = 8'000;
constexpr milliseconds checkpoint_told_from{1'000};
// Fewer confirmed events than this are not deleted, so that not every turn has to delete a few.
constexpr std::uint64_t outbox_trimmed_least = 1'024;
// PostgreSQL keeps 64 savepoints of a transaction at hand; with more, every reader of the table
// looks them up on its disk.
constexpr std::size_t savepoints_max = 50;

/// Whether the failure of an item is stored in the turn, instead of running its handler. Others are
/// answered "crashed", and the turn is run again without them.
bool keeps_failure(const write& each) {
  return each.what->what == item::kind::event || each.what->what == item::kind::effect_done;
}

/// Notes the current item of a turn.
void note_work(busy_clock& busy, const item& what) {
  using kind = work_at_hand::kind;
  switch (what.what) {
  case item::kind::call:
    return busy.note(kind::call, what.operation, what.id);
  case item::kind::event:
    return busy.note(kind::event, what.operation, what.id);
  case item::kind::effect_done:
    return busy.note(kind::settlement, {}, what.id);
  case item::kind::saga_answered:
  case item::kind::saga_timer:
    return busy.note(kind::saga, {}, what.saga);
  case item::kind::housekeeping:
    return busy.note(kind::own, "housekeeping");
  case item::kind::person_order:
  case item::kind::breaker_order:
    return busy.note(kind::own, what.operation, what.id);
  default:
    return busy.note(kind::own);
  }
}

/// Fails the first `count` writes of an undone turn, with its findings about them.
void fail_all(std::vector<write>& writes, std::size_t count, const error& why) {
  for (std::size_t i = 0; i < count; ++i) {
    write& each = writes[i];
    each.says_nothing = false;
    each.spoilt = each.ran;
    each.is_not_ours = false;
    each.is_repeat = false;
    if (std::exchange(each.is_put_off, false)) {
      each.threw.reset();
    }
    fail(each, why);
  }
}

/// The turn did not happen, or its outcome is unknown: all its messages wait. When the database is
/// back, its inbox, positions, effects and sagas show for each whether it happened.
void note_put_back(
    group& of, std::span<write> writes, bool is_lost, const store::database_error& fault) {
  for (write& each : writes) {
    each.spoilt = each.ran; // What its instance remembers may never have happened.
  }
  if (!is_lost) {
    of.parts().log.write(
        "store.lock_awaited", {{"capability", of.name()}, {"reason", fault.what()}});
    return;
  }
  of.parts().log.write(
      "store.away",
      {{"capability", of.name()},
       {"messages", fmt::to_string(writes.size())},
       {"reason", fault.what()}});
  of.condition().store_failed(fault.what(), of.parts().time.now());
  for (write& each : writes) {
    each.what->may_be_done = each.what->may_be_done || fault.kind == store::database_fault::unknown;
  }
}

/// A call whose committed inbox row is missing in the reconnected database; nil if there is none.
/// Nothing else can show this: the whole database may have gone back together.
uuid missing_in(store::database& session, const turn_inbox& inbox) {
  const uuid& kept = inbox.kept();
  const bool is_there =
      kept == uuid{} || inbox.is_forgotten(kept) || store::inbox{session}.find(kept).has_value();
  return is_there ? uuid{} : kept;
}

void tell_that_it_went_back(group& of, const uuid& missing) {
  of.parts().log.write(
      "store.went_back",
      {{"capability", of.name()},
       {"missing", to_string(missing)},
       {"what",
        "the server has no trace of a call that it had confirmed: a standby was promoted that did "
        "not have all, or a copy was brought back. Work that callers were told of is lost: see "
        "`The "
        "server has lost what it confirmed` in RUNBOOK.md"}});
}

/// Requests everything that the turn will need from a database on a server at once, since each of
/// its answers takes time.
void look_up(
    turn_inbox& inbox,
    event_turn& events,
    store::database& session,
    std::span<const write> writes,
    turn_output& output) {
  inbox.look_up(writes);
  for (const write& each : writes) {
    if (each.what->what == item::kind::event) {
      events.look_up(*each.what);
    }
  }
  store::outbox{session}.ask_newest(
      [&output](std::uint64_t newest) { output.next_event = newest + 1; });
}

} // namespace

store_turn::store_turn(
    group& of,
    runner_store& store,
    event_turn& events,
    busy_clock& busy,
    runner_metrics& metrics,
    message_spans& spans)
    : group_{of}, store_{store}, events_{events}, busy_{busy}, metrics_{metrics}, spans_{spans},
      inbox_{*store.database}, calls_{of, inbox_, awaited_}, trim_{*store.database},
      forgetting_{of, inbox_, store.forgotten} {
}

std::size_t store_turn::run(std::vector<write>& writes, turn_output& output, replicas& instances) {
  sagas_ = writes.front().by->sagas();
  alive_.has_resigned = false;
  takeover_.begin();
  output.clear();
  if (!take_lock(writes)) {
    return writes.size();
  }
  std::size_t count = std::min(writes.size(), width_);
  // Whether a message threw: the turn is run again with the messages before it only, and the
  // message has its result: `crashed`. An event or a settlement stays in the turn: its failure is
  // written down, and its handler is not called.
  bool thrown = false;
  bool is_settled = false;
  bool runs_again = true;
  end ended = end::again;
  while (runs_again) {
    ended = attempt(writes, count, !thrown, output);
    if (ended == end::threw) {
      is_settled = !keeps_failure(writes[at_]);
      count = is_settled ? at_ : at_ + 1;
      thrown = true;
    } else if (ended == end::narrowed) {
      count = width_; // A message that threw above is met again, too.
      is_settled = false;
      thrown = false;
    }
    runs_again =
        ended == end::again || ended == end::narrowed || (ended == end::threw && count != 0);
    if (runs_again && !instances.renew(writes)) {
      runs_again = false;
      ended = end::put_back; // Until a replica is started.
    }
  }
  if (ended == end::put_back) {
    count = 0;
    is_settled = false;
  }
  if (ended == end::committed && width_ < writes.size()) {
    width_ *= 2;
  }
  if (ended != end::committed) {
    output.clear();
  }
  store_.gate.unlock();
  busy_.rest();
  group_.counters().turns.fetch_add(1, std::memory_order_relaxed);
  return is_settled ? count + 1 : count;
}

std::vector<saga::outgoing::answer> store_turn::stored_answers() {
  std::vector<saga::outgoing::answer> found;
  try {
    awaited_.look(*store_.database, found);
    if (!found.empty() && store_.gate.stands_open()) {
      store::transaction writing{*store_.database};
      store::writers{*store_.database}.touch(store_.writer); // As a turn does (run_all).
      writing.commit();
    }
    awaited_.committed();
  } catch (const store::database_error& fault) {
    shut_if_damaged(group_, fault);
    awaited_.rolled_back(); // The answers are found at the next look.
    found.clear();
  }
  return found;
}

void store_turn::resign(saga::coordinators* sagas) {
  if (alive_.has_resigned || !store_.gate.lock(resign_patience)) {
    return;
  }
  try {
    takeover_.resign({group_, store_, sagas, effects_, awaited_});
    alive_.has_resigned = true;
  } catch (const store::database_error& fault) {
    group_.parts().log.write(
        "store.not_resigned", {{"capability", group_.name()}, {"reason", fault.what()}});
    shut_if_damaged(group_, fault);
  }
  store_.gate.unlock();
}

void store_turn::show_alive() {
  const instant now = group_.parts().time.now();
  if (now - alive_.shown_at < alive_interval) {
    return;
  }
  alive_.shown_at = now;
  bool is_locked = false;
  store::database& session = *store_.database;
  try {
    if (!store::writers{session}.condition_of(store_.writer).is_asked) {
      return;
    }
    is_locked = static_cast<bool>(store_.gate.lock(alive_patience));
    if (is_locked) {
      busy_.begin(now);
      busy_.note(work_at_hand::kind::own, "an answer to another process");
      store::transaction writing{session};
      store::writers{session}.answer(store_.writer);
      writing.commit();
      busy_.rest();
    }
  } catch (const store::database_error& fault) { // The next turn meets it, too, and reports it.
    busy_.rest();
    shut_if_damaged(group_, fault);
  }
  if (is_locked) {
    store_.gate.unlock();
  }
}

bool store_turn::take_lock(std::vector<write>& writes) {
  const clock& time = group_.parts().time;
  const instant began = time.now();
  const bool is_taken = lock_patiently(group_, store_.gate);
  metrics_.lock.record(time.now() - began);
  if (is_taken) {
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
  at_ = no_message;
  for (write& each : writes) {
    each.ran = false;
  }
  const instant began = group_.parts().time.now();
  try {
    if (!run_all(writes, count, may_end_early, output)) {
      roll_back();
      return end::again;
    }
    TROUPE_FAULT("turn.before_commit");
    commit(began);
  } catch (const store::database_error& fault) {
    return after_fault(writes, count, fault);
  } catch (...) {
    return blame(writes, count, what_was_thrown());
  }
  // From here on the turn has happened, and no answer may say otherwise.
  finish_commit(output);
  return end::committed;
}

bool store_turn::run_all(
    std::vector<write>& writes, std::size_t& count, bool may_end_early, turn_output& output) {
  const clock& time = group_.parts().time;
  const instant began = time.now();
  busy_.begin(began);
  busy_.note(work_at_hand::kind::own, "the beginning of a turn");
  store_.database->begin();
  inbox_.begin();
  if (store_.gate.stands_open()) {
    look_up(inbox_, events_, *store_.database, {writes.data(), count}, output);
  }
  store::writers writers{*store_.database};
  const auto condition = writers.condition_of(store_.writer);
  if (condition.is_fenced) {
    roll_back();
    metrics_.fenced.add();
    takeover_.rejoin({group_, store_, sagas_, effects_, awaited_});
    return false;
  }
  if (condition.is_asked) { // Housekeeping may stand behind many slow messages.
    writers.answer(store_.writer);
  }
  alive_.shown_at = began;
  const wall_time wall = time.wall();
  turn_scope in{
      group_,
      *store_.database,
      store_.for_handlers(),
      store_.writer,
      sagas_,
      effects_,
      output,
      began,
      wall,
      forgetting_.time_at(began, wall),
      busy_,
      spans_};
  output.settled = in.settled;
  output.sagas_from = in.settled - group_.options().sagas_kept;
  if (sagas_ != nullptr && sagas_->wants_resume(began)) {
    std::optional<store::long_work> shown;
    if (sagas_->is_behind()) {
      // Sagas to take up may be many: the lock says that this takes long.
      store_.gate.show_long_work(shown);
    }
    sagas_->resume(in.of_sagas(), in.progress());
  }
  takeover_.take_own_left(*writes.front().by, in);
  instant last = time.now();
  std::size_t savepoints = 0;
  for (at_ = 0; at_ < count; ++at_) {
    write& each = writes[at_];
    savepoints += each.with_savepoint ? 1 : 0;
    if (may_end_early && savepoints > savepoints_max) {
      count = at_; // The others get another turn.
      break;
    }
    in.session.belongs_to(at_);
    each.result = {};
    each.says_nothing = false;
    each.failed.reset();
    each.is_put_off = false;
    each.is_not_ours = false;
    each.is_repeat = false;
    each.span.reset();
    note_work(busy_, *each.what);
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
  in.session.belongs_to(std::nullopt);
  busy_.note(work_at_hand::kind::own, "the end of a turn");
  inbox_.insert_rows(); // The rows come before sagas end, as their answers go into them.
  if (sagas_ != nullptr) {
    sagas_->hear(in.of_sagas(), false);
    sagas_->admit(in.of_sagas());
  }
  if (!output.events.empty()) {
    trim_.run(outbox_trimmed_least, began);
  }
  events_.finish();
  if (output.tells_stored && store_.gate.stands_open()) {
    // A commit that was cancelled while it waited for its standby is visible, but a failover loses
    // it; the commit of a read-only turn waits for no standby.
    writers.touch(store_.writer);
  }
  return true;
}

bool store_turn::run_one(write& each, turn_scope& in) {
  switch (each.what->what) {
  case item::kind::call:
    return calls_.run(each, in);
  case item::kind::event:
    return events_.run(each, in.output, in.now);
  case item::kind::effect_done:
    return run_effect_result(each, in);
  case item::kind::saga_answered:
  case item::kind::saga_timer:
    run_saga_event(each, in);
    return true;
  case item::kind::housekeeping:
    keep_house(each, in);
    return true;
  case item::kind::old_rows:
    in.output.has_old_rows = forgetting_.run(in);
    return true;
  case item::kind::breaker_order:
    keep_breaker_order(each, in);
    return true;
  case item::kind::person_order:
    inbox_.insert_rows(); // The order may end a saga that began in this turn.
    run_person_order(each, in);
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
  case item::kind::database_again:
  case item::kind::probe:
  case item::kind::journal_joined:
  case item::kind::journal_left:
  case item::kind::confirmed:
  case item::kind::resend:
    return true; // The runner carries these items out itself, outside of turns.
  }
  return true;
}

void store_turn::keep_house(write& each, turn_scope& in) {
  publish_due_timers(in); // A process that is gone may have set timers.
  if (in.output.next_event == 0 && !store_.gate.stands_open()) { // Elsewhere it was asked for.
    in.output.next_event = store::outbox{in.session}.newest().first + 1;
  }
  trim_.run(1, in.began);
  read_breaker_order(in); // Another node may have stored an order.
  std::optional<store::long_work> shown;
  if (sagas_ != nullptr) {
    store_.gate.show_long_work(shown); // A process that is gone may have left many sagas.
  }
  takeover_.look(*each.what, *each.by, in);
  if (sagas_ != nullptr) {
    inbox_.insert_rows();
    sagas_->hear(in.of_sagas(), true);
  }
  const std::size_t answers = in.output.answers.size();
  awaited_.look(in.session, in.output.answers);
  in.output.tells_stored = in.output.tells_stored || in.output.answers.size() != answers;
  regular_.run(each, in);
  note_work(busy_, *each.what);
  if (forgetting_.is_due(in.began)) {
    in.output.has_old_rows = forgetting_.run(in);
  }
}

store_turn::end store_turn::after_fault(
    std::vector<write>& writes, std::size_t count, const store::database_error& fault) {
  // Where the database has the lock, begin() waits for it, and nothing was done yet.
  const bool is_locked =
      store_.gate.stands_open() && at_ == no_message && fault.kind == store::database_fault::busy;
  if (fault.kind == store::database_fault::away || fault.kind == store::database_fault::unknown
      || is_locked) {
    roll_back();
    note_put_back(group_, {writes.data(), count}, store_.database->is_lost(), fault);
    return end::put_back;
  }
  if (fault.of_message && store::is_of_one_message(fault.kind)) {
    // A deferred statement of an earlier message failed, after later messages saw its changes. The
    // turn is run again, with a savepoint for that message, which waits for its statements.
    roll_back();
    at_ = *fault.of_message;
    if (!std::exchange(writes[at_].with_savepoint, true)) {
      return end::again;
    }
    return convict(writes, count, fault.what()); // It went on after an error that it was shown.
  }
  if (at_ < count && !inbox_.is_inserting() && store::is_of_one_message(fault.kind)) {
    return blame(writes, count, fault.what());
  }
  if (at_ == count && count != 0 && fault.kind == store::database_fault::constraint) {
    return narrow(writes, count, fault.what());
  }
  roll_back();
  if (fault.kind == store::database_fault::too_long) {
    trim_.rest(group_.parts().time.now()); // No statement of a message: they name theirs.
  }
  group_.parts().log.write(
      "store.turn_failed",
      {{"capability", group_.name()},
       {"fault", std::string{name_of(fault.kind)}},
       {"messages", fmt::to_string(count)},
       {"reason", fault.what()}});
  error why = fault.to_error();
  const bool is_full = fault.kind == store::database_fault::full;
  group_.condition().store_failed(
      fmt::format("{}{}", is_full ? "the disk is full: " : "", fault.what()),
      group_.parts().time.now());
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
    return give_up(writes, count, reason);
  }
  return convict(writes, count, std::move(reason));
}

void store_turn::come_back(saga::coordinators* sagas) {
  store_.is_returning = true;
  store_.database->reconnect();
  const uuid missing = missing_in(*store_.database, inbox_);
  events_.forget_assignments();
  trim_.begin_anew();
  takeover_.rejoin_after_loss({group_, store_, sagas, effects_, awaited_});
  store_.is_returning = false;
  if (missing != uuid{}) {
    tell_that_it_went_back(group_, missing);
  }
}

store_turn::end
store_turn::give_up(std::vector<write>& writes, std::size_t count, const std::string& reason) {
  group_.parts().log.write(
      "store.turn_failed", {{"capability", group_.name()}, {"reason", reason}});
  fail_all(writes, count, internal_error("the turn failed and was undone"));
  return end::failed;
}

/// Attributes the failure of an undone turn to the current message.
store_turn::end
store_turn::convict(std::vector<write>& writes, std::size_t count, std::string reason) {
  write& guilty = writes[at_];
  if (guilty.is_put_off || (guilty.threw && keeps_failure(guilty))) {
    return give_up(writes, count, reason); // Its failure was written, and yet the turn fails.
  }
  if (guilty.what->what == item::kind::effect_done && !guilty.with_savepoint) {
    guilty.with_savepoint = true; // Its result is kept, and the others need not be undone again.
    return end::again;
  }
  if (is_saga_event(*guilty.what)) {
    sagas_->put_off(guilty.what->saga, reason, group_.parts().time.wall(), busy_.now());
  }
  guilty.threw = std::move(reason);
  guilty.says_nothing = false;
  fail(
      guilty,
      {.code = errc::crashed,
       .message =
           fmt::format("the handler of `{}` failed; nothing was done", guilty.what->operation)});
  return end::threw;
}

/// A constraint that is checked only at the commit was violated by an unknown message: halves the
/// turn until the message is alone, so that the others are not delayed by it.
store_turn::end
store_turn::narrow(std::vector<write>& writes, std::size_t count, std::string reason) {
  roll_back();
  if (count == 1) {
    at_ = 0;
    return convict(writes, count, std::move(reason));
  }
  width_ = count / 2;
  return end::narrowed;
}

/// @param began when the turn did.
void store_turn::commit(instant began) {
  const clock& time = group_.parts().time;
  const instant ran = time.now();
  busy_.note(work_at_hand::kind::commit);
  if (store_.gate.stands_open()) {
    // A commit that waits for its server or a standby is no handler that hangs: the session gives
    // it up by itself, and the process need not end for it.
    busy_.rest();
  }
  store_.database->commit();
  metrics_.turn.record(ran - began);
  metrics_.commit.record(time.now() - ran);
}

/// Called after a commit, while the lock is still held.
void store_turn::finish_commit(turn_output& output) {
  group_.condition().store_worked();
  takeover_.committed();
  inbox_.committed();
  events_.committed();
  trim_.committed();
  forgetting_.committed();
  awaited_.committed();
  for (const saga::outgoing::answer& each : output.answers) {
    awaited_.forget(each.call);
  }
  if (sagas_ != nullptr) {
    sagas_->committed(output);
    group_counters& counters = group_.counters();
    counters.sagas_queued.store(sagas_->running().waiting(), std::memory_order_relaxed);
    counters.sagas_full.store(!sagas_->running().full().empty(), std::memory_order_relaxed);
    tell_earlier_steps(*sagas_, group_.name(), output);
  }
  try {
    TROUPE_FAULT("turn.committed");
    checkpoint();
  } catch (const std::exception& fault) {
    group_.parts().log.write(
        "store.checkpoint_failed", {{"capability", group_.name()}, {"reason", fault.what()}});
  }
}

/// Copies the WAL back, if that is due. How long it takes is up to its size and the disk, and
/// ending the process would only begin it again: the watchdog does not count, and waiters are shown
/// that the process is at work.
void store_turn::checkpoint() {
  const std::int64_t pages = store_.database->checkpoint_due();
  if (pages == 0) {
    return;
  }
  busy_.rest();
  const clock& time = group_.parts().time;
  const instant began = time.now();
  std::optional<store::long_work> shown;
  if (pages > pages_of_a_turn) {
    store_.gate.show_long_work(shown);
  }
  store_.database->checkpoint();
  const auto took = time.now() - began;
  metrics_.checkpoint.record(took);
  if (took > checkpoint_told_from) {
    group_.parts().log.write(
        "store.checkpoint_long",
        {{"capability", group_.name()},
         {"pages", fmt::to_string(pages)},
         {"took_ms", fmt::to_string(std::chrono::duration_cast<milliseconds>(took).count())},
         {"what",
          "the WAL had grown, as while somebody reads nothing can be copied back; calls waited"}});
  }
}

void store_turn::roll_back() {
  store_.database->rollback();
  events_.rolled_back();
  trim_.rolled_back();
  forgetting_.rolled_back();
  awaited_.rolled_back();
  if (sagas_ != nullptr) {
    sagas_->rolled_back();
  }
}

} // namespace troupe
