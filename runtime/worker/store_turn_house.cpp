#include "runtime/fault_point.hpp"
#include "runtime/saga/journal.hpp"
#include "runtime/store/turn/forced_breakers.hpp"
#include "runtime/store/turn/timers.hpp"
#include "runtime/wire/envelope.hpp"
#include "runtime/wire/login.hpp"
#include "runtime/wire/node_calls.hpp"
#include "runtime/worker/store_turn.hpp"

#include <algorithm>
#include <fmt/format.h>

// How a turn looks after the store: who may write, what is taken over, what can be forgotten.

namespace troupe {

namespace {

// How long nobody lists a process as alive before its work is taken over. Less would take work from
// the living whenever a broker restarts and its workers log in one after the other.
constexpr milliseconds missing_grace{700};
// Between two looks longer apart than this, somebody missing may have been back.
constexpr milliseconds looks_apart_max{1'000};
constexpr std::chrono::seconds forget_interval{60};
constexpr int forget_rows_max = 2'000;
constexpr int timers_moved_max = 256;
constexpr std::uint64_t outbox_forgotten_max = 4'096;

} // namespace

/// Writes down what a person said of the breakers, unless another process has done so.
void store_turn::keep_order(write& each, turn_output& output, wall_time now) {
  if (each.what->deadline <= began_) { // It waited for the lock.
    const error late{
        .code = errc::deadline_exceeded, .message = "the time was up before it was begun"};
    each.failed = late.code;
    each.result.is = answer::kind::error;
    wire::append_error(each.result.bytes, late);
    return;
  }
  const auto order = wire::decode<wire::force_breaker>(each.what->body);
  const std::string& node = group_.parts().node;
  store::forced_breakers breakers{*store_.database};
  const auto known = breakers.on(node);
  if (!known || known->request != *order->request) {
    breakers.set(
        order->only_here ? node : "", {order->mode, order->who, order->why, *order->request, now});
  }
  read_order(output);
}

/// What holds here, whichever process wrote it down.
void store_turn::read_order(turn_output& output) {
  if (auto said = store::forced_breakers{*store_.database}.on(group_.parts().node)) {
    output.said_of_breaker.push_back(std::move(*said));
  }
}

void store_turn::keep_house(const item& what, turn_output& output, wall_time now) {
  const instant time = group_.parts().time.now();
  move_timers(output, now); // Also those of processes that are gone.
  forget_confirmed(1);
  read_order(output); // Another node may have been told.
  // Who was alive before this process lost its right to write, or long ago, says nothing of now.
  if (rejoined_ || what.deadline <= time) {
    missing_.clear();
    return;
  }
  const auto alive = wire::decode<wire::roster>(what.body);
  if (!alive) {
    return;
  }
  if (time - looked_at_ > looks_apart_max) {
    missing_.clear();
  }
  looked_at_ = time;
  std::map<std::int64_t, instant> missing;
  for (const store::writer_row& other : store::writers{*store_.database}.others(store_.writer)) {
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
    const bool is_earlier_self =
        other.node == group_.parts().node && other.incarnation < group_.parts().incarnation;
    if (!is_earlier_self && time - since < missing_grace) {
      missing.emplace(other.id, since);
      continue;
    }
    take_over(other, output, now);
  }
  missing_ = std::move(missing);
  if (time - forgot_at_ > forget_interval) {
    forgot_at_ = time;
    store::inbox{*store_.database}.forget(now - group_.options().inbox_kept, forget_rows_max);
  }
}

void store_turn::move_timers(turn_output& output, wall_time now) {
  store::timers timers{*store_.database};
  const auto next = timers.next();
  if (next && *next <= now) {
    TROUPE_FAULT("timers.before_move");
    for (store::timer_row& each : timers.due(now, timers_moved_max)) {
      timers.remove(each.n);
      output.publish(
          *store_.database,
          {0, each.id, std::move(each.topic), std::move(each.key), std::move(each.body)});
    }
  }
  if (const auto later = next && *next <= now ? timers.next() : next) {
    output.next_timer = std::min(output.next_timer, *later);
  }
}

/// Deletes events that are in the journal, if there are so many: never many at once.
void store_turn::forget_confirmed(std::uint64_t at_least) {
  store::outbox outbox{*store_.database};
  if (forgotten_ == 0) {
    forgotten_ = outbox.oldest() - 1;
  }
  if (confirmed_ < forgotten_ + at_least) {
    return;
  }
  forgetting_ = std::min(confirmed_, forgotten_ + outbox_forgotten_max);
  outbox.forget(forgetting_);
}

void store_turn::take_over(const store::writer_row& from, turn_output& output, wall_time now) {
  TROUPE_FAULT("takeover.before_fence");
  store::writers{*store_.database}.take_over(from.id, store_.writer);
  // With those of this turn among them; the pool passes over what it has already.
  output.effects = store::effects{*store_.database}.of(store_.writer);
  std::size_t sagas = 0;
  if (sagas_ != nullptr) {
    saga::journal_table{*store_.database}.take_over(from.id, store_.writer);
    sagas = sagas_->resume(*store_.database, store_.writer, now, output);
  }
  output.took_over = true;
  group_.counters().takeovers.fetch_add(1, std::memory_order_relaxed);
  group_.parts().log.write(
      "store.taken_over",
      {{"capability", group_.name()},
       {"from", from.node},
       {"incarnation", to_string(from.incarnation)},
       {"effects", fmt::to_string(output.effects.size())},
       {"sagas", fmt::to_string(sagas)}});
}

void store_turn::rejoin() {
  rejoined_ = true;
  missing_.clear();
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

} // namespace troupe
