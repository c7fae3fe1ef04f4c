#include "runtime/worker/runner.hpp"

#include "runtime/fault_point.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <utility>

namespace troupe {

namespace {

// The most items that one turn takes.
constexpr std::size_t turn_messages_max = 1024;

bool is_relay_order(const item& each) {
  return each.what == item::kind::journal_joined || each.what == item::kind::journal_left
         || each.what == item::kind::confirmed || each.what == item::kind::resend;
}

/// Null if the group's actors coordinate none, or no replica has an instance.
saga::coordinators* sagas_of(replicas& all) {
  const replica* any = all.choose({});
  return any == nullptr ? nullptr : any->instance->sagas();
}

std::size_t number_of(group& of, const work_queue& queue) {
  return static_cast<std::size_t>(&queue - of.queues().all().data());
}

} // namespace

runner::runner(
    group& of,
    work_queue& from,
    const std::vector<int>& replicas,
    std::unique_ptr<runner_store> store)
    : group_{of}, queue_{from}, metrics_{of.metrics()[number_of(of, from)]},
      store_{store.release(), {&of}}, busy_{of.parts().time}, spans_{of, of.parts().spans.add()},
      out_{of, metrics_}, admissions_{of}, replicas_{of, replicas, busy_, metrics_},
      events_{of, store_.get(), spans_}, effects_{of, replicas_}, after_commit_{of, out_, spans_},
      direct_{{of, store_.get(), busy_, admissions_, out_, replicas_, output_, metrics_, spans_}},
      backlog_{of, static_cast<std::uint32_t>(number_of(of, from)), out_},
      absence_{of, from, hand_, out_},
      settler_{{of, admissions_, out_, replicas_, backlog_, effects_, metrics_, spans_}} {
  output_.event_bytes_max = of.parts().body_bytes_max;
  output_.body_bytes_max = of.parts().body_bytes_max;
  if (store_) {
    turn_.emplace(of, *store_, events_, busy_, metrics_, spans_);
    relay_.emplace(of, *store_, out_);
  }
}

bool runner::run() {
  const error* const why_shut = group_.condition().why_shut();
  if (why_shut != nullptr) {
    relay_.reset(); // The database is not read or written any more.
  }
  const auto come_back = [this] {
    turn_->come_back(sagas_of(replicas_));
    // Its events and its outbox are compared with the journal again, as at any login.
    out_.renew_login(relay_->forget_login());
    queue_.push({.what = item::kind::database_again}); // So that this leaves, whatever is in hand.
  };
  if (store_ && store_->is_away() && why_shut == nullptr && !absence_.is_over(come_back)) {
    return absence_.wait([this] { answer_probe(); });
  }
  backlog_.move_due(hand_);
  const bool is_relaying = relay_ && relay_->has_more();
  if (!hand_.fill(queue_) && !is_relaying) {
    return false;
  }
  if (!down_ && why_shut == nullptr && !replicas_.any() && !is_relaying) {
    return false; // All replicas are being restarted: after `start` the runner goes on.
  }
  if (!group_.parts().inlet.reserve()) {
    return true; // Finished work must leave first.
  }
  if (why_shut != nullptr) {
    refuse_all(group_.shut_error());
  } else if (down_) {
    if (turn_) {
      turn_->resign(sagas_of(replicas_));
    }
    refuse_all(group_.down_error());
  } else {
    work();
  }
  if (relay_ && group_.has_open_store()) {
    relay_->send_from_table();
  }
  out_.send();
  return true;
}

void runner::work() {
  const std::span<item> items = hand_.next(turn_messages_max);
  const auto calls = static_cast<std::size_t>(std::ranges::count_if(items, is_call));
  writes_.clear();
  busy_.lap();
  const instant began = busy_.now();
  admissions_.ask(calls, began);
  for (item& each : items) {
    if (!replicas_.any() || busy_.now() - began > turn_time_max) {
      break; // The rest stays in hand.
    }
    // A message that threw before has a turn of its own: if it throws again, no other message is
    // undone.
    const bool is_alone = (each.attempt > 1 && each.what != item::kind::effect_done)
                          || replicas_.failed_of().find(cause_of(each)) != nullptr;
    if (is_alone && !writes_.empty()) {
      break;
    }
    if (is_call(each)) {
      take_call(each, admissions_.next());
    } else {
      take_own(each);
    }
    hand_.pass_one();
    if (is_alone) {
      break;
    }
  }
  admissions_.give_back_rest();
  if (!writes_.empty()) {
    run_writes();
  } else if (turn_) {
    turn_->show_alive(); // There may be queries alone for long.
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
  metrics_.queue.record(busy_.now() - each.taken);
  if (const auto* refused = std::get_if<supervision::refused>(&admission)) {
    const std::string words = group_.breaker().words();
    error why{
        .code = errc::circuit_open,
        .message = fmt::format(
            "the breaker of `{}` on {} is {}", group_.name(), group_.parts().node, words),
        .retry_after = refused->retry_after};
    if (words != "open") {
      why.details.emplace_back("fault", "forced"); // They say who has forced it, and why.
    }
    return out_.reply_error(each, why);
  }
  const auto& admitted = std::get<supervision::admitted>(admission);
  // The inbox knows the outcome of a call that may have been done, however late it is.
  if (each.deadline <= busy_.now() && !each.may_be_done) {
    // The call arrived too late, which is no failure of the group.
    admissions_.note(admitted, errc::unavailable, {});
    return out_.reply_error(
        each, {.code = errc::deadline_exceeded, .message = "the time was up before it was begun"});
  }
  const offenders::offender* known = replicas_.failed_of().find(each.id);
  if (known != nullptr && known->not_before > busy_.now()) {
    // Another node may succeed, and other messages use this node in the meantime.
    admissions_.note_nothing(admitted, {});
    return out_.reply_error(
        each,
        {.code = errc::unavailable,
         .message = fmt::format(
             "the handler of `{}` failed {} times for this call on {}, which tries it again later",
             each.operation,
             known->throws,
             group_.parts().node),
         .retry_after = std::chrono::ceil<milliseconds>(known->not_before - busy_.now())});
  }
  const replica& by = *replicas_.choose(each.key);
  const auto [operation, number] = by.instance->find(each.operation);
  const std::uint16_t behind =
      by.instance->sagas() == nullptr ? 0 : by.instance->sagas()->plans().operation_count();
  each.operation_number = static_cast<std::uint16_t>(behind + number);
  if (operation == nullptr) {
    const saga::coordinators* sagas = by.instance->sagas();
    const saga::plan* plan = sagas == nullptr ? nullptr : sagas->plans().find(each.operation);
    const saga::plan* const undone =
        sagas == nullptr ? nullptr : sagas->plans().find_undone_by(each.operation);
    if (plan == nullptr && undone == nullptr) {
      each.operation_number = item::no_operation;
      admissions_.note(admitted, errc::unknown_operation, {});
      return out_.reply_error(
          each,
          {.code = errc::unknown_operation,
           .message = fmt::format(
               "`{}` has no operation `{}`{}",
               group_.name(),
               each.operation,
               did_you_mean(each.operation, group_.type().description.operation_names()))});
    }
    each.operation_number =
        plan != nullptr ? sagas->plans().number_of(*plan) : sagas->plans().number_of_undo(*undone);
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
  if (each.what == item::kind::probe) {
    return answer_probe();
  }
  if (each.what == item::kind::database_again) {
    return; // It is back.
  }
  if (each.what == item::kind::timers_due) {
    after_commit_.rang();
  } else if (each.what == item::kind::housekeeping && relay_) {
    relay_->check_progress(busy_.now());
  }
  writes_.push_back({.what = &each});
}

/// Handles an item while the group is down: events of its outbox and answers stored by others are
/// still sent; other promised work waits.
void runner::take_while_down(item& each) {
  if (event_backlog::is_for(each)) {
    backlog_.add(std::move(each));
  } else if (each.what == item::kind::events_again) {
    backlog_.ring();
  } else if (is_relay_order(each)) {
    take_relay_order(each);
  } else if (each.what == item::kind::probe) {
    answer_probe();
  } else if (each.what == item::kind::database_again) {
    return;
  } else if (!is_of_house(each)) { // The next housekeeping comes by itself.
    out_.queue_again(settler::again_after, std::move(each));
  } else if (turn_ && group_.has_open_store()) {
    for (const saga::outgoing::answer& answer : turn_->stored_answers()) {
      out_.answer_pending(answer);
    }
  }
}

void runner::take_relay_order(const item& each) {
  if (relay_) {
    relay_->take(each);
    turn_->confirmed(relay_->confirmed());
  }
}

/// Reports the state of the group, by a read of its database.
void runner::answer_probe() {
  group_probe said;
  if (!store_ || !group_.has_open_store()) {
    return out_.probed(said);
  }
  const clock& time = group_.parts().time;
  const instant began = time.now();
  busy_.begin(began);
  busy_.note(work_at_hand::kind::own, "a look at the database");
  const replica* any = replicas_.choose(group_.name());
  const saga::coordinators* sagas = any == nullptr ? nullptr : any->instance->sagas();
  try {
    (void)store_->database->integer_of("SELECT COUNT(*) FROM writers");
    said.database = time.now() - began;
    if (sagas != nullptr) {
      said.sagas = sagas->standing_now(time.wall());
      said.sagas_parked = saga::journal_table{*store_->database}.parked_count();
    }
  } catch (const store::database_error& fault) {
    said.database = time.now() - began;
    said.database_trouble = fault.what();
    shut_if_damaged(group_, fault);
  }
  busy_.rest();
  out_.probed(std::move(said));
}

void runner::take_event(item& each) {
  const bool has_room =
      each.what != item::kind::event || !events_.asks_for_effects() || effects_.has_room();
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
  const std::size_t settled = turn_->run(writes_, output_, replicas_);
  TROUPE_FAULT("turn.before_replies");
  for (const store::forced_breaker& each : output_.breaker_orders) {
    group_.breaker().force(each, busy_.now()); // The order is on disk, so it may hold from here on.
  }
  for (std::size_t i = 0; i < settled; ++i) {
    if (writes_[i].is_not_ours) {
      // First: a takeover of this turn may bring it back.
      out_.effects_ended(effects_.settled(writes_[i].what->id));
    }
  }
  effects_.submit(output_.effects, *turn_);
  for (std::size_t i = 0; i < settled; ++i) {
    settler_.settle(writes_[i]);
  }
  replicas_.rebuild_spoilt(writes_);
  if (settled < writes_.size()) {
    take_back(settled);
  }
  after_commit_.carry_out(output_, *relay_);
  output_.clear();
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

} // namespace troupe
