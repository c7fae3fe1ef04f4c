#include "runtime/worker/takeover.hpp"

#include "runtime/actor/actor.hpp"
#include "runtime/fault_point.hpp"
#include "runtime/wire/login.hpp"
#include "runtime/worker/saga_orders.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace troupe {

namespace {

// The time for which nobody lists a process as alive before its work is taken over. Less would take
// work from the living whenever a broker restarts and its workers log in one after the other.
constexpr milliseconds missing_grace{700};
// The time for which the answer of a process that no broker lists is good.
constexpr milliseconds asked_again_after{1'000};
// The longest time between two looks at the roster that count together: in a longer gap a missing
// process may have come and gone.
constexpr milliseconds looks_apart_max{1'000};
// The time between two looks for work that an heir of another release left alone.
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
    const bool lives =
        std::any_of(alive->workers.begin(), alive->workers.end(), [&](const wire::member& member) {
          return member.incarnation == other.incarnation;
        });
    if (lives && !other.has_resigned) {
      continue;
    }
    // An earlier life of this very node is over: the broker has let this one in under its name.
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
  return in.sagas == nullptr ? 0
                             : in.sagas->take_left_alone(
                                 in.session, in.writer, in.now, in.began, in.output, in.progress());
}

/// Forgets what this process works on for a writer that is struck out. Its callers are answered by
/// what the heir writes down, at the brokers that it reaches.
void takeover::forget_own_work(
    saga::coordinators* sagas, effect_pool* effects, awaited_answers& awaited) {
  rejoined_ = true;
  missing_.clear();
  if (sagas != nullptr) {
    awaited.add(sagas->running().ids());
    sagas->forget_all();
  }
  if (effects != nullptr) {
    awaited.add(effects->calls());
    effects->forget_waiting();
  }
}

void takeover::rejoin_after_loss(
    group& of,
    runner_store& store,
    saga::coordinators* sagas,
    effect_pool* effects,
    awaited_answers& awaited) {
  forget_own_work(sagas, effects, awaited);
  const worker_parts& parts = of.parts();
  store::transaction transaction{*store.database};
  store::writers writers{*store.database};
  // Also a number that was taken by an earlier try, whose commit nobody answered.
  writers.fence_process(parts.incarnation);
  const std::int64_t next = writers.add(parts.node, parts.incarnation, parts.time.wall());
  tell_handled_topics(of, *store.database); // A failover may have lost that.
  transaction.commit();
  store.writer = next;
  owes_itself_ = true;
  parts.log.write(
      "store.back", {{"capability", of.name()}, {"writer", fmt::to_string(store.writer)}});
}

void takeover::rejoin(
    group& of,
    runner_store& store,
    saga::coordinators* sagas,
    effect_pool* effects,
    awaited_answers& awaited) {
  forget_own_work(sagas, effects, awaited);
  const worker_parts& parts = of.parts();
  store::transaction transaction{*store.database};
  const std::int64_t next =
      store::writers{*store.database}.add(parts.node, parts.incarnation, parts.time.wall());
  tell_handled_topics(of, *store.database); // Who started meanwhile has forgotten the fenced.
  transaction.commit();
  store.writer = next;
  parts.log.write(
      "store.fenced",
      {{"capability", of.name()},
       {"what", "this process was given up for dead and its work taken over; it goes on anew"},
       {"writer", fmt::to_string(store.writer)}});
}

void takeover::resign(
    group& of,
    runner_store& store,
    saga::coordinators* sagas,
    effect_pool* effects,
    awaited_answers& awaited) {
  const worker_parts& parts = of.parts();
  store::database& session = *store.database;
  store::transaction transaction{session};
  const std::vector<store::effect_row> given_up = store::effects{session}.of(store.writer);
  std::vector<uuid> calls;
  for (const store::effect_row& each : given_up) {
    calls.push_back(each.call);
  }
  if (!of.type().sagas.empty()) {
    for (const saga::owned_saga& each : saga::journal_table{session}.unfinished(store.writer)) {
      calls.push_back(each.id);
    }
  }
  if (calls.empty()) {
    return;
  }
  store::writers writers{session};
  writers.resign(store.writer);
  const std::int64_t next = writers.add(parts.node, parts.incarnation, parts.time.wall());
  transaction.commit();
  store.writer = next;
  missing_.clear();
  awaited.add(calls);
  if (sagas != nullptr) {
    sagas->forget_all();
  }
  if (effects != nullptr) {
    effects->forget_waiting();
  }
  parts.log.write(
      "store.resigned",
      {{"capability", of.name()},
       {"what", "the group is down: other nodes go on with its effects and sagas"},
       {"effects", fmt::to_string(given_up.size())},
       {"sagas", fmt::to_string(calls.size() - given_up.size())}});
}

} // namespace troupe
