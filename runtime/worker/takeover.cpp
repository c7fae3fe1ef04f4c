#include "runtime/worker/takeover.hpp"

#include "runtime/actor/actor.hpp"
#include "runtime/contains.hpp"
#include "runtime/fault_point.hpp"
#include "runtime/wire/login.hpp"
#include "runtime/worker/saga_orders.hpp"

#include <fmt/format.h>

namespace troupe {

namespace {

// The time for which no broker lists a process before its work is taken over. Less would take work
// from live processes whenever a broker restarts and its workers log in one after the other.
constexpr milliseconds missing_grace{700};
// The time for which the answer of an unlisted process is valid.
constexpr milliseconds asked_again_after{1'000};
// The longest time between two rosters that count together: in a longer gap a missing process may
// have started and ended.
constexpr milliseconds looks_apart_max{1'000};
// The interval of searches for work that an heir of another release left alone.
constexpr milliseconds left_interval{2'000};

} // namespace

void takeover::look(const item& roster, const actor& by, turn_scope& in) {
  const worker_parts& parts = in.of.parts();
  const instant time = parts.time.now();
  if (rejoined_ || roster.deadline <= time) {
    missing_.clear();
    return;
  }
  const auto alive = wire::decode<wire::roster>(roster.body);
  if (!alive) {
    return;
  }
  if (time - looked_at_ > looks_apart_max) {
    missing_.clear();
  }
  looked_at_ = time;
  store::writers writers{in.session};
  std::map<std::int64_t, missing_writer> missing;
  for (const store::writer_row& other : writers.others(in.writer)) {
    const bool lives = contains(alive->workers, other.incarnation, &wire::member::incarnation);
    if (lives && !other.has_resigned) {
      continue;
    }
    // An earlier process of this node is gone: the broker has accepted this one under its name.
    const bool is_earlier_self =
        !lives && other.node == parts.node && other.incarnation < parts.incarnation;
    missing_writer note = missing_[other.id];
    if (other.has_resigned || is_earlier_self || is_given_up(other, note, in, time)) {
      take_over(other, by, in);
    } else {
      missing.emplace(other.id, note);
    }
  }
  missing_ = std::move(missing);
  if (time - looked_for_left_at_ >= left_interval) {
    looked_for_left_at_ = time;
    take_left(by, in);
    if (in.sagas != nullptr) {
      in.of.condition().sagas_trouble().set(sagas_trouble(*in.sagas, in.session, in.now));
    }
  }
}

/// Whether a writer that no broker lists has left the question put to it unanswered for too long.
/// Notes what was asked, and when.
bool takeover::is_given_up(
    const store::writer_row& which, missing_writer& note, const turn_scope& in, instant time) {
  // A question may have been undone with its turn.
  const bool is_asked = note.question != 0 && note.question <= which.asked;
  const bool is_answered = is_asked && note.question <= which.answered;
  if (!is_asked || (is_answered && time - note.since >= asked_again_after)) {
    note = {time, store::writers{in.session}.ask(which.id)};
    return false;
  }
  return !is_answered && time - note.since >= missing_grace;
}

void takeover::take_over(const store::writer_row& from, const actor& by, turn_scope& in) {
  TROUPE_FAULT("takeover.before_fence");
  store::writers{in.session}.fence(from.id);
  const std::size_t sagas = take_left(by, in);
  ++in.output.takeovers;
  in.output.lines.push_back(
      {"store.taken_over",
       {{"capability", in.of.name()},
        {"from", from.node},
        {"incarnation", to_string(from.incarnation)},
        {"effects", fmt::to_string(in.output.effects.size())},
        {"sagas", fmt::to_string(sagas)}}});
}

void takeover::take_own_left(const actor& by, turn_scope& in) {
  if (owes_itself_) {
    take_left(by, in);
    ++in.output.takeovers; // The outbox may have events that were never relayed.
  }
}

/// Takes over the work of fenced processes that this program can go on with. The rest stays as it
/// is, for a program that can: the release before, while it is replaced, or the next one.
/// @return how many sagas there were.
std::size_t takeover::take_left(const actor& by, turn_scope& in) {
  store::effects effects{in.session};
  bool any = false;
  for (const std::string& name : effects.names_left()) {
    if (by.find_effect(name) != nullptr) {
      effects.take_left(name, in.writer);
      any = true;
    } else if (left_alone_.insert(name).second) {
      in.of.parts().log.write(
          "effect.left_alone",
          {{"capability", in.of.name()},
           {"effect", name},
           {"reason", "this program has no such effect; one that has it goes on with it"}});
    }
  }
  if (any) {
    // All effects, with those of this turn among them: the pool passes over those that it has.
    in.output.effects = effects.of(in.writer);
  }
  return in.sagas == nullptr ? 0 : in.sagas->take_left_alone(in.of_sagas(), in.progress());
}

/// Forgets this process's work for a writer that is struck out. Its callers are answered by the
/// heir, at the brokers that it reaches.
void takeover::forget_own_work(const owned_work& own) {
  rejoined_ = true;
  missing_.clear();
  if (own.sagas != nullptr) {
    own.awaited.add(own.sagas->running().ids());
    own.sagas->forget_all();
  }
  if (own.effects != nullptr) {
    own.awaited.add(own.effects->calls());
    own.effects->forget_waiting();
  }
}

void takeover::rejoin_after_loss(const owned_work& own) {
  forget_own_work(own);
  const worker_parts& parts = own.of.parts();
  store::transaction transaction{*own.store.database};
  store::writers writers{*own.store.database};
  // Also a number that was taken by an earlier try, whose commit nobody answered.
  writers.fence_process(parts.incarnation);
  const std::int64_t next = writers.add(parts.node, parts.incarnation, parts.time.wall());
  tell_handled_topics(own.of, *own.store.database); // A failover may have lost those rows.
  transaction.commit();
  own.store.writer = next;
  owes_itself_ = true;
  parts.log.write(
      "store.back", {{"capability", own.of.name()}, {"writer", fmt::to_string(own.store.writer)}});
}

void takeover::rejoin(const owned_work& own) {
  forget_own_work(own);
  const worker_parts& parts = own.of.parts();
  store::database& session = *own.store.database;
  store::transaction transaction{session};
  const std::int64_t next =
      store::writers{session}.add(parts.node, parts.incarnation, parts.time.wall());
  tell_handled_topics(own.of, session); // Processes that started meanwhile forgot the fenced one.
  transaction.commit();
  own.store.writer = next;
  parts.log.write(
      "store.fenced",
      {{"capability", own.of.name()},
       {"what", "this process was given up for dead and its work taken over; it goes on anew"},
       {"writer", fmt::to_string(own.store.writer)}});
}

void takeover::resign(const owned_work& own) {
  const worker_parts& parts = own.of.parts();
  store::database& session = *own.store.database;
  store::transaction transaction{session};
  const std::vector<store::effect_row> given_up = store::effects{session}.of(own.store.writer);
  std::vector<uuid> calls;
  for (const store::effect_row& each : given_up) {
    calls.push_back(each.call);
  }
  if (!own.of.type().sagas.empty()) {
    for (const saga::owned_saga& each : saga::journal_table{session}.unfinished(own.store.writer)) {
      calls.push_back(each.id);
    }
  }
  if (calls.empty()) {
    return;
  }
  store::writers writers{session};
  writers.resign(own.store.writer);
  const std::int64_t next = writers.add(parts.node, parts.incarnation, parts.time.wall());
  transaction.commit();
  own.store.writer = next;
  missing_.clear();
  own.awaited.add(calls);
  if (own.sagas != nullptr) {
    own.sagas->forget_all();
  }
  if (own.effects != nullptr) {
    own.effects->forget_waiting();
  }
  parts.log.write(
      "store.resigned",
      {{"capability", own.of.name()},
       {"what", "the group is down: other nodes go on with its effects and sagas"},
       {"effects", fmt::to_string(given_up.size())},
       {"sagas", fmt::to_string(calls.size() - given_up.size())}});
}

} // namespace troupe
