#include "runtime/actor/host.hpp"

#include "runtime/fault_point.hpp"
#include "runtime/wire/envelope.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace troupe {

namespace {

bool is_call(const item& each) {
  return each.what == item::kind::call;
}

} // namespace

host::host(group& of, lane& from, std::vector<int> replicas, std::unique_ptr<host_store> store)
    : group_{of}, lane_{from}, store_{std::move(store)},
      replies_(static_cast<std::size_t>(of.parts().links)) {
  for (const int number : replicas) {
    replicas_.push_back({number, 0, nullptr});
  }
  if (store_) {
    turn_ = std::make_unique<store_turn>(of, *store_, busy_since_);
  }
}

host::~host() = default;

bool host::run() {
  if (!fill_hand()) {
    return false;
  }
  if (!down_ && !has_instance()) {
    return false; // Everybody is being restarted: `start` goes on with what is in hand.
  }
  if (!group_.parts().outbox.reserve()) {
    return true; // What is finished must leave first.
  }
  out_ = {};
  out_.from = &group_;
  work(group_.parts().time.now());
  send();
  return true;
}

bool host::fill_hand() {
  if (head_ < hand_.size()) {
    return true;
  }
  hand_.clear();
  head_ = 0;
  return lane_.take(hand_);
}

void host::work(instant now) {
  const std::size_t end = head_ + std::min(hand_.size() - head_, turn_messages_max);
  const auto calls = static_cast<std::size_t>(
      std::count_if(hand_.begin() + static_cast<std::ptrdiff_t>(head_),
                    hand_.begin() + static_cast<std::ptrdiff_t>(end), is_call));
  results_.clear();
  writes_.clear();
  if (down_) {
    refuse(end);
    return;
  }
  group_.admit(calls, now, admissions_);
  auto admission = admissions_.begin();
  for (; head_ < end && has_instance(); ++head_) {
    item& each = hand_[head_];
    if (!is_call(each)) {
      writes_.push_back({.what = &each});
    } else if (const auto* refused = std::get_if<supervision::refused>(&*admission++)) {
      reply_error(
          each,
          {.code = errc::circuit_open,
           .message = fmt::format(
               "the breaker of `{}` on {} is open", group_.name(), group_.parts().node),
           .retry_after = refused->retry_after});
    } else {
      triage(each, std::get<supervision::admitted>(*(admission - 1)), now);
    }
  }
  // If the last instance fell, the rest stays in hand for its successor.
  for (; admission != admissions_.end(); ++admission) {
    if (const auto* unused = std::get_if<supervision::admitted>(&*admission)) {
      note(*unused, errc::unavailable, {});
    }
  }
  if (!writes_.empty()) {
    run_writes();
  }
  if (!results_.empty()) {
    group_.record(results_, group_.parts().time.now());
  }
}

void host::refuse(std::size_t end) {
  const auto until = group_.down_until();
  const auto left = until ? std::chrono::ceil<milliseconds>(*until - group_.parts().time.now())
                          : milliseconds{100};
  for (; head_ < end; ++head_) {
    item& each = hand_[head_];
    if (is_call(each)) {
      reply_error(
          each,
          {.code = errc::unavailable,
           .message = fmt::format(
               "`{}` is down on {} after too many failures", group_.name(), group_.parts().node),
           .retry_after = std::max(left, milliseconds{1})});
    } else {
      out_.again.push_back(std::move(each));
    }
  }
}

void host::triage(item& each, const supervision::admitted& admitted, instant now) {
  if (each.deadline <= now) {
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
             "`{}` has no operation `{}`{}", group_.name(), each.operation,
             did_you_mean(each.operation, group_.type().operations))});
  }
  if (operation != nullptr && std::holds_alternative<handlers::query>(*operation)) {
    run_query(each, std::get<handlers::query>(*operation), by, admitted, now);
  } else if (turn_) {
    writes_.push_back({.what = &each, .admitted = admitted});
  } else {
    run_without_store(each, std::get<handlers::command>(*operation), by, admitted, now);
  }
}

void host::run_query(
    item& each, const handlers::query& query, replica& by, const supervision::admitted& admitted,
    instant now) {
  busy_since_.store(now.time_since_epoch().count(), std::memory_order_relaxed);
  bytes_.clear();
  try {
    const auto answered =
        query.run(each.body, store_ ? store_->database.get() : nullptr, bytes_);
    if (answered) {
      note(admitted, std::nullopt, group_.parts().time.now() - now);
      reply(each, answer::kind::ok, bytes_);
    } else {
      note(admitted, answered.error().code, group_.parts().time.now() - now);
      reply_error(each, answered.error());
    }
  } catch (const store::database_error& fault) {
    note(admitted, errc::internal, {});
    reply_error(each, fault.to_error());
  } catch (const std::exception& thrown) {
    crash(each, by, admitted, thrown.what(), effect::none);
  }
  busy_since_.store(0, std::memory_order_relaxed);
}

void host::run_without_store(
    item& each, const handlers::command& command, replica& by,
    const supervision::admitted& admitted, instant now) {
  busy_since_.store(now.time_since_epoch().count(), std::memory_order_relaxed);
  bytes_.clear();
  turn current{nullptr, 0, each.id, each.key, group_.parts().time.wall(), output_};
  try {
    TROUPE_FAULT("storeless.before_handler");
    const auto answered = command.run(each.body, current, bytes_);
    if (answered) {
      note(admitted, std::nullopt, group_.parts().time.now() - now);
      reply(each, answer::kind::ok, bytes_);
    } else {
      note(admitted, answered.error().code, group_.parts().time.now() - now);
      reply_error(each, answered.error());
    }
  } catch (const std::exception& thrown) {
    // There is no transaction to undo: what it did, it did.
    crash(each, by, admitted, thrown.what(), effect::unknown);
  }
  busy_since_.store(0, std::memory_order_relaxed);
}

void host::crash(
    item& each, replica& by, const supervision::admitted& admitted, std::string_view reason,
    effect possible) {
  note(admitted, errc::crashed, {});
  reply_error(
      each, {.code = errc::crashed,
             .possible = possible,
             .message = fmt::format("the handler of `{}` failed", each.operation)});
  discard(by, std::string{reason}, each.id);
}

void host::run_writes() {
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
  for (std::size_t i = 0; i < settled; ++i) {
    settle_write(writes_[i]);
  }
  if (settled < writes_.size()) {
    take_back(settled);
  }
  if (effects_) {
    effects_->submit(output_.effects);
  }
  for (const saga::outgoing::answer& each : output_.answers) {
    header_.clear();
    if (each.failed) {
      const auto why = wire::read_error(each.bytes);
      wire::append_error_header(
          header_, each.call, why ? *why : internal_error("the stored error is unreadable"));
      everywhere_.append(header_, {});
    } else {
      wire::append_reply_header(header_, each.call, wire::status::ok);
      everywhere_.append(header_, each.bytes);
    }
  }
  for (const saga::outgoing::parked& each : output_.parked_sagas) {
    group_.parts().log.write(
        "saga.parked",
        {{"capability", group_.name()}, {"saga", to_string(each.saga)}, {"reason", each.reason}});
  }
  out_.calls = std::move(output_.calls);
  out_.timers = std::move(output_.timers);
  output_.clear();
}

void host::settle_write(write& each) {
  item& what = *each.what;
  if (each.threw) {
    for (replica& by : replicas_) {
      if (by.instance.get() == each.by) {
        discard(by, *each.threw, what.id);
      }
    }
  }
  if (!is_call(what)) {
    // What the group tells itself must happen in the end: its message cannot be asked for again.
    if (each.failed && what.what != item::kind::housekeeping) {
      ++what.attempt;
      out_.again.push_back(std::move(what));
    }
    return;
  }
  note(each.admitted, each.failed, each.took);
  if (each.result.is == answer::kind::error) {
    const auto why = wire::read_error(each.result.bytes);
    reply_error(what, why ? *why : internal_error("the stored error is unreadable"));
  } else {
    reply(what, each.result.is, each.result.bytes);
  }
}

void host::take_back(std::size_t from) {
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

void host::reply(const item& to, answer::kind is, std::string_view bytes) {
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
}

void host::reply_error(const item& to, const error& why) {
  wire::batch_writer& out = replies_[static_cast<std::size_t>(to.link)];
  const std::size_t at = out.begin();
  wire::append_error_header(out.frame(), to.id, why);
  out.begin_body(at);
  out.end(at);
  out_.slots.push_back(to.slot);
  group_.counters().failed.fetch_add(1, std::memory_order_relaxed);
}

void host::note(
    const supervision::admitted& call, std::optional<errc> failed, instant::duration took) {
  results_.push_back(
      {call, failed ? supervision::result_of(*failed) : supervision::call_result::ok, took});
}

void host::send() {
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
  group_.parts().outbox.push_reserved(std::move(out_));
}

host::replica* host::replica_for(std::string_view key) {
  const std::size_t count = replicas_.size();
  const std::size_t first =
      key.empty() ? next_replica_++ : digest_of(std::as_bytes(std::span{key}));
  for (std::size_t i = 0; i < count; ++i) {
    replica& each = replicas_[(first + i) % count];
    if (each.instance) {
      return &each;
    }
  }
  return nullptr;
}

bool host::has_instance() const {
  return std::any_of(
      replicas_.begin(), replicas_.end(), [](const replica& each) { return each.instance != nullptr; });
}

std::unique_ptr<actor> host::make_instance(int number) {
  const worker_parts& parts = group_.parts();
  return group_.type().make(context{
      group_.name(), number, parts.node, parts.folder, group_.options().config, parts.time,
      parts.log});
}

void host::discard(replica& broken, std::string reason, const uuid& message) {
  broken.instance.reset();
  group_.counters().restarts.fetch_add(1, std::memory_order_relaxed);
  tell_(supervision::child_exited{
      static_cast<supervision::child_id>(broken.number), broken.generation,
      supervision::exit_kind::abnormal, std::move(reason), message});
}

void host::start(supervision::child_id child, std::uint64_t generation) {
  for (replica& each : replicas_) {
    if (static_cast<supervision::child_id>(each.number) != child) {
      continue;
    }
    try {
      each.instance = make_instance(each.number);
      each.generation = generation;
      if (turn_ && !effects_ && each.instance->has_effects()) {
        effects_ = std::make_unique<effect_pool>(
            group_, [this, number = each.number] { return make_instance(number); });
        turn_->use(effects_.get());
      }
      tell_(supervision::child_started{child, generation});
    } catch (const std::exception& thrown) {
      tell_(supervision::child_start_failed{child, generation, thrown.what()});
    }
  }
}

void host::stop(supervision::child_id child, std::uint64_t generation) {
  for (replica& each : replicas_) {
    if (static_cast<supervision::child_id>(each.number) == child) {
      each.instance.reset();
    }
  }
  tell_(supervision::child_stopped{child, generation});
}

} // namespace troupe
