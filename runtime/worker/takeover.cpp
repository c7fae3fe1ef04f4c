#include "runtime/worker/takeover.hpp"

#include "runtime/actor/actor.hpp"
#include "runtime/fault_point.hpp"
#include "runtime/wire/login.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace troupe {

namespace {

// How long nobody lists a process as alive before its work is taken over. Less would take work from
// the living whenever a broker restarts and its workers log in one after the other.
constexpr milliseconds missing_grace{700};
// The longest time between two looks at the roster that count together: in a longer gap a missing
// process may have come and gone.
constexpr milliseconds looks_apart_max{1'000};
// How often work is looked for that an heir of another release left alone.
constexpr milliseconds left_interval{2'000};

} // namespace

bool takeover::look(const item& roster, const actor& by, turn_scope& in) {
  const worker_parts& parts = in.of.parts();
  const instant time = parts.time.now();
  if (rejoined_ || roster.deadline <= time) {
    missing_.clear();
    return false;
  }
  const auto alive = wire::decode<wire::roster>(roster.body);
  if (!alive) {
    return false;
  }
  if (time - looked_at_ > looks_apart_max) {
    missing_.clear();
  }
  looked_at_ = time;
  std::map<std::int64_t, instant> missing;
  for (const store::writer_row& other : store::writers{in.session}.others(in.writer)) {
    const bool lives =
        std::any_of(alive->workers.begin(), alive->workers.end(), [&](const wire::member& member) {
          return member.incarnation == other.incarnation;
        });
    if (lives) {
      continue;
    }
    const auto known = missing_.find(other.id);
    const instant since = known == missing_.end() ? time : known->second;
    // An earlier life of this very node is over: the broker has let this one in under its name.
    const bool is_earlier_self = other.node == parts.node && other.incarnation < parts.incarnation;
    if (is_earlier_self || time - since >= missing_grace) {
      take_over(other, by, in);
    } else {
      missing.emplace(other.id, since);
    }
  }
  missing_ = std::move(missing);
  if (time - looked_for_left_at_ >= left_interval) {
    looked_for_left_at_ = time;
    take_left(by, in);
  }
  return true;
}

void takeover::take_over(const store::writer_row& from, const actor& by, turn_scope& in) {
  TROUPE_FAULT("takeover.before_fence");
  store::writers{in.session}.fence(from.id);
  const std::size_t sagas = take_left(by, in);
  in.output.took_over = true;
  in.of.counters().takeovers.fetch_add(1, std::memory_order_relaxed);
  in.of.parts().log.write(
      "store.taken_over",
      {{"capability", in.of.name()},
       {"from", from.node},
       {"incarnation", to_string(from.incarnation)},
       {"effects", fmt::to_string(in.output.effects.size())},
       {"sagas", fmt::to_string(sagas)}});
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
  return in.sagas == nullptr
             ? 0
             : in.sagas->take_left_alone(in.session, in.writer, in.now, in.began, in.output);
}

void takeover::rejoin(
    group& of, runner_store& store, saga::coordinators* sagas, effect_pool* effects) {
  rejoined_ = true;
  missing_.clear();
  if (sagas != nullptr) {
    sagas->forget_all();
  }
  if (effects != nullptr) {
    effects->forget_waiting();
  }
  const worker_parts& parts = of.parts();
  store::transaction transaction{*store.database};
  store.writer =
      store::writers{*store.database}.add(parts.node, parts.incarnation, parts.time.wall());
  transaction.commit();
  parts.log.write(
      "store.fenced",
      {{"capability", of.name()},
       {"what", "this process was given up for dead and its work taken over; it goes on anew"},
       {"writer", fmt::to_string(store.writer)}});
}

} // namespace troupe
