#include "runtime/actor/store_turn.hpp"

#include "runtime/fault_point.hpp"
#include "runtime/saga/journal.hpp"
#include "runtime/store/sqlite_database.hpp"
#include "runtime/wire/envelope.hpp"
#include "runtime/wire/login.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace troupe {

namespace {

constexpr milliseconds turn_time_max{5};
constexpr milliseconds lock_patience{1'000};
// A holder whose own watchdog should have ended it by now is stopped, and stops everybody.
constexpr milliseconds stalled_grace{1'000};
// How long nobody lists a process as alive before its work is taken over. Less would take work from
// the living whenever a broker restarts and its workers log in one after the other.
constexpr milliseconds missing_grace{700};
constexpr std::chrono::seconds forget_interval{60};
constexpr int forget_rows_max = 2'000;
// A settlement that throws is tried again so often, then its call gets an error.
constexpr int settle_attempts_max = 5;
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

outcome<std::unique_ptr<host_store>> host_store::open(const group& of) {
  worker_parts& parts = const_cast<group&>(of).parts();
  const std::string& path = *of.options().database;
  store::sqlite_options options;
  options.capability = of.name();
  auto database = store::open_sqlite(path, options);
  if (!database) {
    return failure{std::move(database).error()};
  }
  auto gate = store::turnstile::open(path);
  if (!gate) {
    return failure{std::move(gate).error()};
  }
  auto made = std::make_unique<host_store>(
      host_store{std::move(*database), std::move(*gate), 0});
  auto lock = store::turnstile_guard::lock(made->gate, options.lock_patience);
  if (!lock) {
    return failure{std::move(lock).error()};
  }
  store::database& session = *made->database;
  auto migrated = store::migrate(session, parts.time, "troupe.turn", store::turn_migrations());
  if (migrated && !of.type().sagas.empty()) {
    migrated = store::migrate(session, parts.time, "troupe.saga", saga::journal_migrations());
  }
  if (migrated && !of.type().schema.empty()) {
    migrated = store::migrate(session, parts.time, of.type().name, of.type().schema);
  }
  if (!migrated) {
    return failure{std::move(migrated).error()};
  }
  try {
    store::transaction transaction{session};
    made->writer = store::writers{session}.add(parts.node, parts.incarnation, parts.time.wall());
    transaction.commit();
  } catch (const store::database_error& fault) {
    return failure{fault.to_error()};
  }
  return made;
}

store_turn::store_turn(group& of, host_store& store, std::atomic<std::int64_t>& busy)
    : group_{of}, store_{store}, busy_{busy} {}

std::size_t
store_turn::run(std::vector<write>& writes, turn_output& output, saga::coordinators* sagas) {
  sagas_ = sagas;
  if (!take_lock(writes)) {
    return writes.size();
  }
  std::size_t count = writes.size();
  std::size_t thrown = 0; // Messages at the end of what is settled that threw: at most one.
  for (;;) {
    const end ended = attempt(writes, count, output);
    if (ended == end::threw) {
      count = at_;
      thrown = 1;
      if (count == 0) {
        break;
      }
    } else if (ended != end::again) {
      break;
    }
  }
  store_.gate.unlock();
  busy_.store(0, std::memory_order_relaxed);
  group_.counters().turns.fetch_add(1, std::memory_order_relaxed);
  return count + thrown;
}

bool store_turn::take_lock(std::vector<write>& writes) {
  for (int tries = 0; tries < 30; ++tries) {
    const auto locked = store_.gate.lock(lock_patience);
    if (locked) {
      return true;
    }
    group_.parts().log.write(
        "store.lock_awaited", {{"capability", group_.name()}, {"reason", locked.error().message}});
    const auto killed =
        store_.gate.kill_stalled_holder(group_.options().turn_limit + stalled_grace);
    if (killed) {
      group_.parts().log.write(
          "store.stalled_holder_killed",
          {{"capability", group_.name()}, {"holder", describe(*killed)}});
    }
  }
  fail_all(
      writes, writes.size(),
      {.code = errc::unavailable, .message = "the database is locked by another process",
       .retry_after = lock_patience});
  return false;
}

store_turn::end
store_turn::attempt(std::vector<write>& writes, std::size_t& count, turn_output& output) {
  output.clear();
  at_ = 0;
  const instant began = group_.parts().time.now();
  busy_.store(began.time_since_epoch().count(), std::memory_order_relaxed);
  const wall_time now = group_.parts().time.wall();
  try {
    store_.database->begin();
    if (store::writers{*store_.database}.is_fenced(store_.writer)) {
      roll_back();
      rejoin();
      return end::again;
    }
    instant last = began;
    for (; at_ < count; ++at_) {
      write& each = writes[at_];
      each.result = {};
      if (!run_one(each, output, now)) {
        roll_back();
        return end::again;
      }
      const instant done = group_.parts().time.now();
      each.took = done - last;
      last = done;
      if (done - began > turn_time_max) {
        count = at_ + 1; // The rest has its own turn, so that nobody waits long for this commit.
      }
    }
    TROUPE_FAULT("turn.before_commit");
    store_.database->commit();
    TROUPE_FAULT("turn.committed");
    if (sagas_ != nullptr) {
      sagas_->committed();
    }
    store_.database->checkpoint();
    return end::committed;
  } catch (const store::database_error& fault) {
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
  } catch (const std::exception& thrown) {
    roll_back();
    write& guilty = writes[at_];
    guilty.threw = thrown.what();
    guilty.failed = errc::crashed;
    set_error(
        guilty.result,
        {.code = errc::crashed,
         .message = fmt::format("the handler of `{}` failed; nothing was done", guilty.what->operation)});
    return end::threw;
  }
}

bool store_turn::run_one(write& each, turn_output& output, wall_time now) {
  const item& what = *each.what;
  switch (what.what) {
  case item::kind::call:
    return run_call(each, output, now);
  case item::kind::effect_done:
    return run_effect_result(each, output, now);
  case item::kind::saga_answered:
    sagas_->answered(
        *store_.database, store_.writer, what.saga, what.token, what.failed, what.body, now, output);
    return true;
  case item::kind::saga_timer:
    sagas_->timer_due(*store_.database, store_.writer, what.saga, what.token, now, output);
    return true;
  case item::kind::housekeeping:
    keep_house(what, output, now);
    return true;
  }
  return true;
}

bool store_turn::run_call(write& each, turn_output& output, wall_time now) {
  const item& what = *each.what;
  if (is_too_old(what.id, now)) {
    set_error(
        each.result,
        invalid(fmt::format(
            "the id was not made (UUIDv7) within the last {} hours, for which repeats are known; is "
            "the caller's clock right?",
            group_.options().inbox_kept.count())));
    return true;
  }
  const std::uint64_t digest =
      digest_of(std::as_bytes(std::span{what.body}))
      ^ digest_of(std::as_bytes(std::span{what.operation}));
  if (answer_from_inbox(each, digest)) {
    group_.counters().repeats.fetch_add(1, std::memory_order_relaxed);
    return true;
  }
  const auto before = output.here();
  const std::int64_t changed_before = store_.database->changes();
  if (each.with_savepoint) {
    store_.database->savepoint();
  }
  const auto handled = handle(each, output, now);
  store::inbox inbox{*store_.database};
  const store::handled_by by{group_.parts().node, each.replica, what.attempt};
  if (handled) {
    if (each.with_savepoint) {
      store_.database->release();
    }
    const bool later = *handled == handlers::answered::later;
    each.result.is = later ? answer::kind::pending : answer::kind::ok;
    inbox.insert(
        what.id, what.operation, digest,
        later ? store::inbox_state::pending : store::inbox_state::ok, each.result.bytes, by);
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
    inbox.insert(
        what.id, what.operation, digest, store::inbox_state::refused, each.result.bytes, by);
  }
  return true;
}

bool store_turn::answer_from_inbox(write& each, std::uint64_t digest) {
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

outcome<handlers::answered>
store_turn::handle(write& each, turn_output& output, wall_time now) {
  const item& what = *each.what;
  if (sagas_ != nullptr) {
    const saga::plan* by = sagas_->find(what.operation);
    const auto left =
        std::chrono::duration_cast<milliseconds>(what.deadline - group_.parts().time.now());
    auto started = sagas_->start(
        *store_.database, store_.writer, what.id, *by, what.body, std::max(left, milliseconds{1}),
        now, output);
    return started ? outcome<handlers::answered>{handlers::answered::later}
                   : failure{std::move(started).error()};
  }
  if (effects_ != nullptr && !effects_->has_room()) {
    return failure{
        {.code = errc::overloaded, .message = "too many effects under way",
         .retry_after = milliseconds{100}}};
  }
  turn current{store_.database.get(), store_.writer, what.id, what.key, now, output};
  try {
    const auto& command = std::get<handlers::command>(*each.by->find(what.operation));
    TROUPE_FAULT("turn.before_handler");
    auto handled = command.run(what.body, current, each.result.bytes);
    TROUPE_FAULT("turn.after_handler");
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
  if (auto handled = settle(each, *row, result, settled.bytes, output, now); !handled) {
    settled.failed = true;
    settled.bytes.clear();
    wire::append_error(settled.bytes, handled.error());
  }
  effects.remove(row->key);
  store::inbox{*store_.database}.settle(
      row->call, settled.failed ? store::inbox_state::refused : store::inbox_state::ok,
      settled.bytes);
  output.answers.push_back(std::move(settled));
  return true;
}

outcome<void> store_turn::settle(
    write& each, const store::effect_row& row, const outcome<std::string_view>& result,
    std::string& reply, turn_output& output, wall_time now) {
  const handlers::effect* effect = each.by->find_effect(row.name);
  if (effect == nullptr) {
    return failure{internal_error("no such effect in this program", troupe::effect::unknown)};
  }
  if (each.what->attempt > settle_attempts_max) {
    return failure{
        {.code = errc::crashed, .possible = troupe::effect::unknown,
         .message = fmt::format("the result of `{}` could not be written down", row.name)}};
  }
  turn current{store_.database.get(), store_.writer, row.call, {}, now, output};
  TROUPE_FAULT("effect.before_settle");
  return effect->settle(row.request, result, current, reply);
}

void store_turn::keep_house(const item& what, turn_output& output, wall_time now) {
  const auto alive = wire::decode<wire::roster>(what.body);
  if (!alive) {
    return;
  }
  store::writers writers{*store_.database};
  const instant time = group_.parts().time.now();
  std::map<std::int64_t, instant> missing;
  for (const store::writer_row& other : writers.others(store_.writer)) {
    const bool lives = std::any_of(
        alive->workers.begin(), alive->workers.end(),
        [&](const wire::member& member) { return member.incarnation == other.incarnation; });
    if (lives) {
      continue;
    }
    const auto known = missing_.find(other.id);
    const instant since = known == missing_.end() ? time : known->second;
    // An earlier life of this very node is over: the broker has let this one in under its name.
    if (other.node != group_.parts().node && time - since < missing_grace) {
      missing.emplace(other.id, since);
      continue;
    }
    TROUPE_FAULT("takeover.before_fence");
    writers.take_over(other.id, store_.writer);
    if (sagas_ != nullptr) {
      saga::journal_table{*store_.database}.take_over(other.id, store_.writer);
    }
    output.effects = store::effects{*store_.database}.of(store_.writer);
    const std::size_t sagas =
        sagas_ == nullptr ? 0 : sagas_->resume(*store_.database, store_.writer, now, output);
    group_.counters().takeovers.fetch_add(1, std::memory_order_relaxed);
    group_.parts().log.write(
        "store.taken_over",
        {{"capability", group_.name()},
         {"from", other.node},
         {"incarnation", to_string(other.incarnation)},
         {"effects", fmt::to_string(output.effects.size())},
         {"sagas", fmt::to_string(sagas)}});
  }
  missing_ = std::move(missing);
  if (sagas_ != nullptr && sagas_->has_lost()) {
    sagas_->resume(*store_.database, store_.writer, now, output);
  }
  if (time - forgot_at_ > forget_interval) {
    forgot_at_ = time;
    store::inbox{*store_.database}.forget(now - group_.options().inbox_kept, forget_rows_max);
  }
}

void store_turn::rejoin() {
  if (sagas_ != nullptr) {
    sagas_->forget_all();
  }
  if (effects_ != nullptr) {
    effects_->forget_waiting();
  }
  store::transaction transaction{*store_.database};
  store_.writer = store::writers{*store_.database}.add(
      group_.parts().node, group_.parts().incarnation, group_.parts().time.wall());
  transaction.commit();
  group_.parts().log.write(
      "store.fenced",
      {{"capability", group_.name()},
       {"what", "this process was given up for dead and its work taken over; it goes on anew"},
       {"writer", fmt::to_string(store_.writer)}});
}

void store_turn::fail_all(std::vector<write>& writes, std::size_t count, const error& why) {
  for (std::size_t i = 0; i < count; ++i) {
    writes[i].failed = why.code;
    set_error(writes[i].result, why);
  }
}

void store_turn::roll_back() {
  store_.database->rollback();
  if (sagas_ != nullptr) {
    sagas_->rolled_back();
  }
}

bool store_turn::is_too_old(const uuid& id, wall_time now) const {
  if (id.version() != 7 && id.version() != 8) {
    return true;
  }
  return id.born() < now - group_.options().inbox_kept || id.born() > now + clocks_differ_max;
}

} // namespace troupe
