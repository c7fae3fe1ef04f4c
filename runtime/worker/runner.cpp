#include "runtime/worker/runner.hpp"

#include "runtime/fault_point.hpp"
#include "runtime/wire/envelope.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <limits>
#include <stdexcept>
#include <utility>

namespace troupe {

namespace {

// Replies leave when a turn ends, so that it must end soon also where every handler is slow.
constexpr milliseconds turn_time_max{5};

bool is_call(const item& each) {
  return each.what == item::kind::call;
}

} // namespace

runner::runner(
    group& of,
    work_queue& from,
    const std::vector<int>& replicas,
    std::unique_ptr<runner_store> store)
    : group_{of}, queue_{from}, store_{std::move(store)}, events_{of, store_.get()},
      replies_(static_cast<std::size_t>(of.parts().links)) {
  for (const int number : replicas) {
    replicas_.push_back({number, 0, nullptr});
  }
  output_.event_bytes_max = of.parts().body_bytes_max;
  if (store_) {
    turn_ = std::make_unique<store_turn>(of, *store_, events_, busy_since_);
  }
}

runner::~runner() = default;

bool runner::run() {
  if (!fill_hand() && !has_to_relay()) {
    return false;
  }
  if (!down_ && !has_instance() && !has_to_relay()) {
    return false; // Everybody is being restarted: `start` goes on with what is in hand.
  }
  if (!group_.parts().inlet.reserve()) {
    return true; // What is finished must leave first.
  }
  out_ = {};
  out_.from = &group_;
  work();
  relay_from_table();
  send();
  return true;
}

bool runner::fill_hand() {
  if (std::exchange(is_held_due_, false)) {
    hand_.erase(hand_.begin(), hand_.begin() + static_cast<std::ptrdiff_t>(head_));
    head_ = 0;
    hand_.insert(
        hand_.begin(),
        std::make_move_iterator(held_.begin()),
        std::make_move_iterator(held_.end()));
    held_.clear();
  }
  if (head_ < hand_.size()) {
    return true;
  }
  hand_.clear();
  head_ = 0;
  return queue_.take(hand_);
}

void runner::work() {
  const std::size_t end = head_ + std::min(hand_.size() - head_, turn_messages_max);
  const auto calls = static_cast<std::size_t>(std::count_if(
      hand_.begin() + static_cast<std::ptrdiff_t>(head_),
      hand_.begin() + static_cast<std::ptrdiff_t>(end),
      is_call));
  results_.clear();
  writes_.clear();
  if (down_) {
    refuse(end);
    return;
  }
  now_ = group_.parts().time.now();
  const instant began = now_;
  group_.admit(calls, now_, admissions_);
  auto admission = admissions_.begin();
  for (; head_ < end && has_instance() && now_ - began <= turn_time_max; ++head_) {
    item& each = hand_[head_];
    if (!is_call(each)) {
      take_own(each);
    } else if (const auto* refused = std::get_if<supervision::refused>(&*admission++)) {
      reply_error(
          each,
          {.code = errc::circuit_open,
           .message = fmt::format(
               "the breaker of `{}` on {} is {}",
               group_.name(),
               group_.parts().node,
               group_.breaker_words()),
           .retry_after = refused->retry_after});
    } else {
      triage(each, std::get<supervision::admitted>(*(admission - 1)));
    }
  }
  // If the last instance fell, or time is up, the rest stays in hand.
  for (; admission != admissions_.end(); ++admission) {
    if (const auto* unused = std::get_if<supervision::admitted>(&*admission)) {
      note(*unused, errc::unavailable, {});
    }
  }
  if (!writes_.empty()) {
    run_writes();
  }
  report_events();
  if (!results_.empty()) {
    group_.record(results_, group_.parts().time.now());
  }
}

void runner::refuse(std::size_t end) {
  const auto until = group_.down_until();
  const auto left = until ? std::chrono::ceil<milliseconds>(*until - group_.parts().time.now())
                          : milliseconds{100};
  for (; head_ < end; ++head_) {
    item& each = hand_[head_];
    if (is_call(each) || each.what == item::kind::breaker_order) {
      reply_error(
          each,
          {.code = errc::unavailable,
           .message = fmt::format(
               "`{}` is down on {} after too many failures", group_.name(), group_.parts().node),
           .retry_after = std::max(left, milliseconds{1})});
    } else {
      take_while_down(each);
    }
  }
}

void runner::triage(item& each, const supervision::admitted& admitted) {
  if (each.deadline <= now_) {
    note(admitted, errc::unavailable, {}); // Says nothing about us: it came too late.
    return reply_error(
        each, {.code = errc::deadline_exceeded, .message = "the time was up before it was begun"});
  }
  replica& by = *replica_for(each.key);
  const bool is_saga = by.instance->sagas() != nullptr;
  const handlers::operation* operation = by.instance->find(each.operation);
  if (operation == nullptr && !(is_saga && by.instance->sagas()->find(each.operation) != nullptr)) {
    note(admitted, errc::unknown_operation, {});
    return reply_error(
        each,
        {.code = errc::unknown_operation,
         .message = fmt::format(
             "`{}` has no operation `{}`{}",
             group_.name(),
             each.operation,
             did_you_mean(each.operation, group_.type().operations))});
  }
  if (operation != nullptr && std::holds_alternative<handlers::query>(*operation)) {
    run_query(each, std::get<handlers::query>(*operation), by, admitted);
  } else if (turn_) {
    writes_.push_back({.what = &each, .admitted = admitted});
  } else {
    run_without_store(each, std::get<handlers::command>(*operation), by, admitted);
  }
}

void runner::run_query(
    item& each, const handlers::query& query, replica& by, const supervision::admitted& admitted) {
  busy_since_.store(now_.time_since_epoch().count(), std::memory_order_relaxed);
  bytes_.clear();
  store::database* const session = store_ ? store_->database.get() : nullptr;
  const std::int64_t changed_before = session == nullptr ? 0 : session->changes();
  try {
    const auto answered = query.run(each.body, session, bytes_);
    if (session != nullptr && session->changes() != changed_before) {
      // Outside the fair lock and the inbox, so possibly twice: loud, so that its author hears.
      throw std::logic_error{"the query wrote; declare it as a command"};
    }
    answer_with(each, admitted, answered ? nullptr : &answered.error(), effect::none);
  } catch (const no_store& wanted) {
    const error refused = wanted.to_error();
    answer_with(each, admitted, &refused, effect::none);
  } catch (const store::database_error& fault) {
    note(admitted, errc::internal, lap());
    reply_error(each, fault.to_error());
  } catch (const std::exception& thrown) {
    crash(each, by, admitted, thrown.what(), effect::none);
  } catch (...) {
    crash(each, by, admitted, "something that is no std::exception", effect::none);
  }
  busy_since_.store(0, std::memory_order_relaxed);
}

void runner::run_without_store(
    item& each,
    const handlers::command& command,
    replica& by,
    const supervision::admitted& admitted) {
  busy_since_.store(now_.time_since_epoch().count(), std::memory_order_relaxed);
  bytes_.clear();
  turn current{nullptr, 0, each.id, each.key, group_.parts().time.wall(), output_};
  try {
    TROUPE_FAULT("storeless.before_handler");
    const auto answered = command.run(each.body, current, bytes_);
    answer_with(each, admitted, answered ? nullptr : &answered.error(), effect::unknown);
  } catch (const no_store& wanted) {
    const error refused = wanted.to_error();
    answer_with(each, admitted, &refused, effect::none);
  } catch (const std::exception& thrown) {
    // There is no transaction to undo: what it did, it did.
    crash(each, by, admitted, thrown.what(), effect::unknown);
  } catch (...) {
    crash(each, by, admitted, "something that is no std::exception", effect::unknown);
  }
  busy_since_.store(0, std::memory_order_relaxed);
}

/// With what the handler wrote, or with the error it refused with. `possible`: what it may have
/// done if the answer cannot leave.
void runner::answer_with(
    item& each, const supervision::admitted& admitted, const error* why, effect possible) {
  const auto fits = group_.check_answer(bytes_.size(), possible);
  if (why == nullptr && !fits) {
    why = &fits.error();
  }
  if (why == nullptr) {
    note(admitted, std::nullopt, lap());
    reply(each, answer::kind::ok, bytes_);
  } else {
    note(admitted, why->code, lap());
    reply_error(each, *why);
  }
}

instant::duration runner::lap() {
  const instant last = now_;
  now_ = group_.parts().time.now();
  return now_ - last;
}

void runner::crash(
    item& each,
    replica& by,
    const supervision::admitted& admitted,
    std::string_view reason,
    effect possible) {
  note(admitted, errc::crashed, lap());
  reply_error(
      each,
      {.code = errc::crashed,
       .possible = possible,
       .message = fmt::format("the handler of `{}` failed", each.operation)});
  discard(by, std::string{reason}, each.id);
}

void runner::run_writes() {
  if (!has_instance()) {
    return take_back(0);
  }
  for (write& each : writes_) {
    const replica& by = *replica_for(each.what->key);
    each.by = by.instance.get();
    each.replica = by.number;
  }
  const std::size_t settled = turn_->run(writes_, output_, writes_.front().by->sagas());
  TROUPE_FAULT("turn.before_replies");
  for (const store::forced_breaker& each : output_.said_of_breaker) {
    group_.force(each, now_); // It is on disk: from here on it holds.
  }
  for (std::size_t i = 0; i < settled; ++i) {
    settle_write(writes_[i]);
  }
  rebuild_spoilt(settled);
  if (settled < writes_.size()) {
    take_back(settled);
  }
  if (effects_) {
    effects_->submit(output_.effects);
  }
  send_answers();
  for (const saga::outgoing::parked& each : output_.parked_sagas) {
    group_.parts().log.write(
        "saga.parked",
        {{"capability", group_.name()}, {"saga", to_string(each.saga)}, {"reason", each.reason}});
  }
  relay_committed();
  set_alarm();
  out_.calls = std::move(output_.calls);
  out_.timers = std::move(output_.timers);
  output_.clear();
}

/// Answers to calls that were left pending, to whoever waits for them now.
void runner::send_answers() {
  for (const saga::outgoing::answer& each : output_.answers) {
    header_.clear();
    if (auto fits = group_.check_answer(each.bytes.size(), effect::unknown); !fits) {
      wire::append_error_header(header_, each.call, fits.error());
      everywhere_.append(header_, {});
    } else if (each.failed) {
      const auto why = wire::read_error(each.bytes);
      wire::append_error_header(
          header_, each.call, why ? *why : internal_error("the stored error is unreadable"));
      everywhere_.append(header_, {});
    } else {
      wire::append_reply_header(header_, each.call, wire::status::ok);
      everywhere_.append(header_, each.bytes);
    }
  }
}

void runner::settle_write(write& each) {
  item& what = *each.what;
  if (each.threw && each.what->what != item::kind::assignment
      && each.what->what != item::kind::buried && each.what->what != item::kind::breaker_order) {
    for (replica& by : replicas_) {
      if (by.instance.get() == each.by) {
        discard(by, *each.threw, what.id);
      }
    }
  }
  if (is_of_events(what)) {
    return settle_event(each);
  }
  if (what.what == item::kind::breaker_order) {
    return answer_order(each);
  }
  if (!is_call(what)) {
    // What the group tells itself must happen in the end: its message cannot be asked for again.
    if (each.failed && what.what != item::kind::housekeeping) {
      if (each.threw && what.attempt < std::numeric_limits<std::uint8_t>::max()) {
        ++what.attempt; // A full disk is not its fault, and says nothing of the next time.
      }
      out_.again.push_back(std::move(what));
    } else if (what.what == item::kind::effect_done && effects_) {
      effects_->settled(what.id);
    }
    return;
  }
  if (each.says_nothing) {
    results_.push_back({each.admitted, std::nullopt, each.took});
  } else {
    note(each.admitted, each.failed, each.took);
  }
  reply_with(what, each.result);
}

/// With how the breaker is now, if what was said of it is kept.
void runner::answer_order(write& each) {
  if (each.result.is != answer::kind::error) {
    each.result = {answer::kind::ok, wire::encoded(group_.breaker_report())};
  }
  reply_with(*each.what, each.result);
}

void runner::reply_with(const item& to, const answer& result) {
  if (result.is == answer::kind::error) {
    const auto why = wire::read_error(result.bytes);
    reply_error(to, why ? *why : internal_error("the stored error is unreadable"));
  } else {
    reply(to, result.is, result.bytes);
  }
}

void runner::take_back(std::size_t from) {
  // In order, before what else is in hand. Admissions are given back: these calls were not made.
  std::vector<item> rest;
  for (std::size_t i = from; i < writes_.size(); ++i) {
    if (is_call(*writes_[i].what)) {
      note(writes_[i].admitted, errc::unavailable, {});
    }
    rest.push_back(std::move(*writes_[i].what));
  }
  hand_.erase(hand_.begin(), hand_.begin() + static_cast<std::ptrdiff_t>(head_));
  hand_.insert(
      hand_.begin(), std::make_move_iterator(rest.begin()), std::make_move_iterator(rest.end()));
  head_ = 0;
}

void runner::reply(const item& to, answer::kind is, std::string_view bytes) {
  if (auto fits = group_.check_answer(bytes.size(), effect::unknown); !fits) {
    return reply_error(to, fits.error()); // As it was stored, when more was allowed.
  }
  wire::batch_writer& out = replies_[static_cast<std::size_t>(to.link)];
  const std::size_t at = out.begin();
  wire::append_reply_header(
      out.frame(), to.id, is == answer::kind::pending ? wire::status::pending : wire::status::ok);
  out.begin_body(at);
  if (is != answer::kind::pending) {
    out.frame().append(bytes);
  }
  out.end(at);
  out_.slots.push_back(to.slot);
  close_if_full(static_cast<std::size_t>(to.link));
}

void runner::reply_error(const item& to, const error& why) {
  wire::batch_writer& out = replies_[static_cast<std::size_t>(to.link)];
  const std::size_t at = out.begin();
  wire::append_error_header(out.frame(), to.id, why);
  out.begin_body(at);
  out.end(at);
  out_.slots.push_back(to.slot);
  group_.counters().failed.fetch_add(1, std::memory_order_relaxed);
}

void runner::note(
    const supervision::admitted& call, std::optional<errc> failed, instant::duration took) {
  results_.push_back(
      {call, failed ? supervision::result_of(*failed) : supervision::call_result::ok, took});
}

void runner::send() {
  for (std::size_t link = 0; link < replies_.size(); ++link) {
    if (!replies_[link].empty()) {
      out_.replies.push_back({static_cast<int>(link), replies_[link].take()});
    }
  }
  if (!everywhere_.empty()) {
    out_.everywhere = everywhere_.take();
  }
  const auto answered = static_cast<std::int64_t>(out_.slots.size());
  group_.counters().answered.fetch_add(
      static_cast<std::uint64_t>(answered), std::memory_order_relaxed);
  group_.in_hand.fetch_sub(answered, std::memory_order_relaxed);
  out_.changed = group_.take_changed();
  group_.parts().inlet.push_reserved(std::move(out_));
}

} // namespace troupe
