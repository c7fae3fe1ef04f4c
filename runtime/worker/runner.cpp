#include "runtime/worker/runner.hpp"

#include "runtime/fault_point.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <limits>
#include <utility>

namespace troupe {

namespace {

// The most items that one turn takes.
constexpr std::size_t turn_messages_max = 1024;
// Replies leave when a turn ends, so that it must end soon also where every handler is slow.
constexpr milliseconds turn_time_max{5};
// The delay before an item of the group itself is tried again.
constexpr milliseconds again_after{200};
// A far-off timer is looked at once in a while: clocks are put right, and sums overflow.
constexpr milliseconds alarm_max{3'600'000};

bool is_call(const item& each) {
  return each.what == item::kind::call;
}

bool is_order(const item& each) {
  return each.what == item::kind::breaker_order;
}

bool is_relay_order(const item& each) {
  return each.what == item::kind::journal_joined || each.what == item::kind::journal_left
         || each.what == item::kind::confirmed || each.what == item::kind::resend;
}

} // namespace

runner::runner(
    group& of,
    work_queue& from,
    const std::vector<int>& replicas,
    std::unique_ptr<runner_store> store)
    : group_{of}, queue_{from}, store_{std::move(store)}, busy_{of.parts().time}, out_{of},
      admissions_{of}, replicas_{of, replicas, busy_}, events_{of, store_.get()},
      direct_{{of, store_.get(), busy_, admissions_, out_, replicas_, output_}},
      backlog_{of, static_cast<std::uint32_t>(&from - of.queues().all().data()), out_} {
  output_.event_bytes_max = of.parts().body_bytes_max;
  if (store_) {
    turn_.emplace(of, *store_, events_, busy_);
    relay_.emplace(of, *store_, out_);
  }
}

bool runner::run() {
  const error* const why_shut = group_.condition().why_shut();
  if (why_shut != nullptr) {
    relay_.reset(); // Nothing reads or writes the database any more.
  }
  backlog_.move_due(hand_);
  if (!hand_.fill(queue_) && !has_to_relay()) {
    return false;
  }
  if (!down_ && why_shut == nullptr && !replicas_.any() && !has_to_relay()) {
    return false; // All replicas are being restarted: after `start` the runner goes on.
  }
  if (!group_.parts().inlet.reserve()) {
    return true; // Finished work must leave first.
  }
  if (why_shut != nullptr) {
    refuse_all(group_.shut_error());
  } else if (down_) {
    refuse_all(group_.down_error());
  } else {
    work();
  }
  if (relay_) {
    relay_->send_from_table();
  }
  out_.send();
  return true;
}

void runner::work() {
  const std::span<item> items = hand_.next(turn_messages_max);
  const auto calls = static_cast<std::size_t>(std::count_if(items.begin(), items.end(), is_call));
  writes_.clear();
  busy_.lap();
  const instant began = busy_.now();
  admissions_.ask(calls, began);
  for (item& each : items) {
    if (!replicas_.any() || busy_.now() - began > turn_time_max) {
      break; // The rest stays in hand.
    }
    if (is_call(each)) {
      take_call(each, admissions_.next());
    } else {
      take_own(each);
    }
    hand_.pass_one();
  }
  admissions_.give_back_rest();
  if (!writes_.empty()) {
    run_writes();
  }
  report_events();
  admissions_.tell();
}

void runner::refuse_all(const error& why) {
  for (item& each : hand_.next(turn_messages_max)) {
    if (is_call(each) || is_order(each)) {
      out_.reply_error(each, why);
    } else {
      take_while_down(each);
    }
    hand_.pass_one();
  }
}

void runner::take_call(item& each, const supervision::admission& admission) {
  if (const auto* refused = std::get_if<supervision::refused>(&admission)) {
    return out_.reply_error(
        each,
        {.code = errc::circuit_open,
         .message = fmt::format(
             "the breaker of `{}` on {} is {}",
             group_.name(),
             group_.parts().node,
             group_.breaker().words()),
         .retry_after = refused->retry_after});
  }
  const auto& admitted = std::get<supervision::admitted>(admission);
  if (each.deadline <= busy_.now()) {
    // The call came too late, which is no fault of the group.
    admissions_.note(admitted, errc::unavailable, {});
    return out_.reply_error(
        each, {.code = errc::deadline_exceeded, .message = "the time was up before it was begun"});
  }
  const replica& by = *replicas_.choose(each.key);
  const handlers::operation* operation = by.instance->find(each.operation);
  if (operation == nullptr) {
    const saga::coordinators* sagas = by.instance->sagas();
    if (sagas == nullptr || sagas->find(each.operation) == nullptr) {
      admissions_.note(admitted, errc::unknown_operation, {});
      return out_.reply_error(
          each,
          {.code = errc::unknown_operation,
           .message = fmt::format(
               "`{}` has no operation `{}`{}",
               group_.name(),
               each.operation,
               did_you_mean(each.operation, group_.type().operations))});
    }
  } else if (const auto* query = std::get_if<handlers::query>(operation)) {
    return direct_.run_query(each, *query, {by, admitted});
  }
  if (turn_) {
    writes_.push_back({.what = &each, .admitted = admitted});
  } else {
    direct_.run_command(each, std::get<handlers::command>(*operation), {by, admitted});
  }
}

/// Handles every item but calls.
void runner::take_own(item& each) {
  if (event_backlog::is_for(each)) {
    return take_event(each);
  }
  if (is_relay_order(each)) {
    return take_relay_order(each);
  }
  if (each.what == item::kind::events_again) {
    return backlog_.ring();
  }
  if (each.what == item::kind::timers_due) {
    alarm_at_ = wall_time::max();
  } else if (each.what == item::kind::housekeeping && relay_) {
    relay_->check_progress(busy_.now());
  }
  writes_.push_back({.what = &each});
}

/// While the group is down its outbox goes on leaving; promised work waits for later.
void runner::take_while_down(item& each) {
  if (event_backlog::is_for(each)) {
    backlog_.add(std::move(each));
  } else if (each.what == item::kind::events_again) {
    backlog_.ring();
  } else if (is_relay_order(each)) {
    take_relay_order(each);
  } else if (each.what != item::kind::housekeeping) { // The next housekeeping comes by itself.
    out_.queue_again(again_after, std::move(each));
  }
}

void runner::take_relay_order(const item& each) {
  if (relay_) {
    relay_->take(each);
    turn_->confirmed(relay_->confirmed());
  }
}

void runner::take_event(item& each) {
  const bool has_room = !effects_ || each.what != item::kind::event || !events_.asks_for_effects()
                        || effects_->has_room();
  backlog_.keep_only(each.login);
  if (!backlog_.empty() || !has_room) {
    backlog_.add(std::move(each));
  } else if (turn_) {
    writes_.push_back({.what = &each});
  } else if (each.what == item::kind::assignment) {
    events_.assign(each);
  } else if (each.what == item::kind::dead_letters) {
    events_.add_dead_letters(each);
  } else {
    direct_.run_event(each, events_);
  }
}

void runner::run_writes() {
  if (!replicas_.any()) {
    return take_back(0);
  }
  for (write& each : writes_) {
    const replica& by = *replicas_.choose(each.what->key);
    each.by = by.instance.get();
    each.replica = by.number;
  }
  const std::size_t settled = turn_->run(writes_, output_, writes_.front().by->sagas());
  TROUPE_FAULT("turn.before_replies");
  for (const store::forced_breaker& each : output_.breaker_orders) {
    group_.breaker().force(each, busy_.now()); // It is on disk, so it may hold from here on.
  }
  // Before any result of this turn is settled: after a takeover the list may have an effect whose
  // result the turn wrote down, and the pool passes over what it still knows.
  if (!effects_ && !output_.effects.empty()) {
    // Also for an actor that has effects no more: they are promised, and the log says who waits.
    effects_ = std::make_unique<effect_pool>(
        group_, [this] { return replicas_.make_instance(group_.options().replicas.front()); });
    turn_->use(effects_.get());
  }
  if (effects_) {
    effects_->submit(output_.effects);
  }
  for (std::size_t i = 0; i < settled; ++i) {
    settle_write(writes_[i]);
  }
  replicas_.rebuild_spoilt({writes_.data(), settled});
  if (settled < writes_.size()) {
    take_back(settled);
  }
  carry_out(output_);
  output_.clear();
}

void runner::settle_write(write& each) {
  item& what = *each.what;
  if (each.threw && what.what != item::kind::assignment && what.what != item::kind::dead_letters
      && !is_order(what)) {
    replicas_.discard(each.by, *each.threw, what.id);
  }
  if (is_order(what)) {
    // The order is committed, so the breaker's state is the answer.
    if (each.result.is != answer::kind::error) {
      each.result = {answer::kind::ok, wire::encoded(group_.breaker_report())};
    }
  } else if (!is_call(what)) {
    return settle_own(each);
  } else if (each.says_nothing) {
    admissions_.note_nothing(each.admitted, each.took);
  } else {
    admissions_.note(each.admitted, each.failed, each.took);
  }
  out_.reply_with(what, each.result);
}

/// Settles an item that nobody waits for. Nobody can ask for it again, so it must succeed in the
/// end.
void runner::settle_own(write& each) {
  item& what = *each.what;
  if (event_backlog::is_for(what)) {
    if (each.failed) {
      backlog_.add(std::move(what)); // Its turn was undone.
    } else if (what.what == item::kind::event) {
      group_.queues().events_ended(1);
    }
  } else if (each.failed && what.what != item::kind::housekeeping) {
    if (each.threw && what.attempt < std::numeric_limits<std::uint8_t>::max()) {
      ++what.attempt; // Only a throw counts: a full disk is not the item's fault.
    }
    out_.queue_again(again_after, std::move(what));
  } else if (what.what == item::kind::effect_done && effects_) {
    effects_->settled(what.id);
  }
}

/// Does what a committed turn wants done, except for its effects.
void runner::carry_out(turn_output& done) {
  for (const saga::outgoing::answer& each : done.answers) {
    out_.answer_pending(each);
  }
  for (const saga::outgoing::parked& each : done.parked_sagas) {
    group_.parts().log.write(
        "saga.parked",
        {{"capability", group_.name()}, {"saga", to_string(each.saga)}, {"reason", each.reason}});
  }
  relay_->committed(done);
  set_alarm();
  out_.make_calls(std::move(done.calls));
  for (const saga::outgoing::timer& each : done.timers) {
    item due{.what = item::kind::saga_timer};
    due.saga = each.saga;
    due.token = each.token;
    out_.queue_again(each.delay, std::move(due));
  }
}

/// Puts the writes from `from` on back into the hand. Their calls were not made.
void runner::take_back(std::size_t from) {
  std::vector<item> rest;
  for (std::size_t i = from; i < writes_.size(); ++i) {
    if (is_call(*writes_[i].what)) {
      admissions_.note(writes_[i].admitted, errc::unavailable, {});
    }
    rest.push_back(std::move(*writes_[i].what));
  }
  hand_.put_back(rest);
}

/// Tells the journal's broker how the events of this turn ended.
void runner::report_events() {
  if (!turn_) {
    events_.finish();
    events_.committed();
  }
  for (const event_turn::report& each : events_.reports()) {
    out_.append(each.link, each.kind, each.body);
  }
  events_.reports().clear();
}

/// Has the group woken for the earliest timer.
void runner::set_alarm() {
  if (output_.next_timer >= alarm_at_) {
    return;
  }
  alarm_at_ = output_.next_timer;
  const auto wait = std::chrono::ceil<milliseconds>(alarm_at_ - group_.parts().time.wall());
  out_.queue_again(
      std::clamp(wait, milliseconds{0}, alarm_max), item{.what = item::kind::timers_due});
}

} // namespace troupe
