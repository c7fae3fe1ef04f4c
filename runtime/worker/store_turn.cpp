#include "runtime/worker/store_turn.hpp"

#include "runtime/fault_point.hpp"
#include "runtime/wire/envelope.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace troupe {

namespace {

constexpr milliseconds turn_time_max{5};
constexpr milliseconds try_again_after{1'000};
// So many confirmed events are deleted at once, so that not every turn has to delete a few.
constexpr std::uint64_t outbox_forgotten_least = 1'024;

/// Faults that one message can bring about by itself. The others meet whoever writes.
bool is_of_one_message(store::database_fault fault) {
  return fault == store::database_fault::constraint || fault == store::database_fault::schema
         || fault == store::database_fault::other;
}

} // namespace

store_turn::store_turn(
    group& of, runner_store& store, event_turn& events, std::atomic<std::int64_t>& busy)
    : group_{of}, store_{store}, events_{events}, busy_{busy} {
}

std::size_t
store_turn::run(std::vector<write>& writes, turn_output& output, saga::coordinators* sagas) {
  sagas_ = sagas;
  rejoined_ = false;
  output.clear();
  if (!take_lock(writes)) {
    return writes.size();
  }
  std::size_t count = writes.size();
  // A message threw, and those before it are run without it; it is settled, too. An event that
  // threw is among those that are run: instead of its handler, that it failed is written down.
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
    output.clear(); // None of it happened.
  }
  store_.gate.unlock();
  busy_.store(0, std::memory_order_relaxed);
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
  events_.begin();
  inbox_rows_.clear();
  at_ = none;
  began_ = group_.parts().time.now();
  busy_.store(began_.time_since_epoch().count(), std::memory_order_relaxed);
  for (write& each : writes) {
    each.ran = false;
  }
  try {
    begin();
    if (!run_all(writes, count, may_end_early, output)) {
      roll_back();
      return end::again;
    }
    TROUPE_FAULT("turn.before_commit");
    store_.database->commit();
  } catch (const store::database_error& fault) {
    return after_fault(writes, count, fault);
  } catch (const std::exception& thrown) {
    return blame(writes, count, thrown.what());
  } catch (...) {
    return blame(writes, count, "something that is no std::exception");
  }
  // From here on it has happened, and nothing may say otherwise.
  tidy();
  return end::committed;
}

void store_turn::begin() {
  store_.database->begin();
  if (known_at_ != store_.database->version()) { // Others have handled messages meanwhile.
    known_.start_over(store::inbox{*store_.database}.newest());
  }
  known_at_.reset(); // Until it is committed.
}

bool store_turn::run_all(
    std::vector<write>& writes, std::size_t& count, bool may_end_early, turn_output& output) {
  const wall_time now = group_.parts().time.wall();
  if (store::writers{*store_.database}.is_fenced(store_.writer)) {
    roll_back();
    rejoin();
    return false;
  }
  if (sagas_ != nullptr && sagas_->wants_resume()) {
    sagas_->resume(*store_.database, store_.writer, now, output);
  }
  instant last = began_;
  for (at_ = 0; at_ < count; ++at_) {
    write& each = writes[at_];
    each.result = {};
    each.says_nothing = false;
    each.failed.reset();
    if (!run_one(each, output, now)) {
      return false;
    }
    const instant done = group_.parts().time.now();
    each.took = done - last;
    last = done;
    if (may_end_early && done - began_ > turn_time_max) {
      count = at_ + 1; // The rest has its own turn, so that nobody waits long for this commit.
    }
  }
  insert_inbox_rows();
  if (!output.events.empty()) {
    forget_confirmed(outbox_forgotten_least);
  }
  events_.finish();
  return true;
}

store_turn::end store_turn::after_fault(
    std::vector<write>& writes, std::size_t count, const store::database_error& fault) {
  if (at_ < count && is_of_one_message(fault.kind)) {
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
  if (why.code == errc::unavailable) {
    why.retry_after = milliseconds{500};
  }
  fail_all(writes, count, why);
  return end::failed;
}

/// The handler of the message at hand threw: it fails, and the others are to be run without it.
store_turn::end
store_turn::blame(std::vector<write>& writes, std::size_t count, std::string reason) {
  roll_back();
  if (at_ >= count) {
    // Thrown between the messages: nobody's fault but ours.
    group_.parts().log.write(
        "store.turn_failed", {{"capability", group_.name()}, {"reason", reason}});
    fail_all(writes, count, internal_error("the turn failed and was undone"));
    return end::failed;
  }
  write& guilty = writes[at_];
  guilty.threw = std::move(reason);
  guilty.failed = errc::crashed;
  guilty.says_nothing = false;
  guilty.result.is = answer::kind::error;
  guilty.result.bytes.clear();
  wire::append_error(
      guilty.result.bytes,
      {.code = errc::crashed,
       .message =
           fmt::format("the handler of `{}` failed; nothing was done", guilty.what->operation)});
  return end::threw;
}

/// What follows a commit, while the lock is still held.
void store_turn::tidy() {
  known_at_ = store_.database->version();
  events_.committed();
  forgotten_ = std::max(forgotten_, forgetting_);
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

void store_turn::fail_all(std::vector<write>& writes, std::size_t count, const error& why) {
  std::string bytes;
  wire::append_error(bytes, why);
  for (std::size_t i = 0; i < count; ++i) {
    writes[i].failed = why.code;
    writes[i].says_nothing = false;
    writes[i].spoilt = writes[i].ran;
    writes[i].result = {answer::kind::error, bytes};
  }
}

void store_turn::roll_back() {
  store_.database->rollback();
  events_.rolled_back();
  forgetting_ = 0;
  if (sagas_ != nullptr) {
    sagas_->rolled_back();
  }
}

} // namespace troupe
