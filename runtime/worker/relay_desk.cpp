#include "runtime/fault_point.hpp"
#include "runtime/wire/limits.hpp"
#include "runtime/worker/runner.hpp"

#include <algorithm>
#include <fmt/format.h>

// Events: those that come in, and those in the outbox that are to leave.

namespace troupe {

namespace {

// What could not be done waits this long: a full disk does not empty in a microsecond.
constexpr milliseconds held_for{200};
constexpr milliseconds relay_again_after{1'000};
// A far-off timer is looked at once in a while: clocks are put right, and sums overflow.
constexpr milliseconds alarm_max{3'600'000};
// Read from the outbox between two turns, at most.
constexpr std::uint64_t relayed_rows_max = 512;
constexpr std::size_t relayed_bytes_max = std::size_t{1} << 20U;

} // namespace

bool runner::is_of_events(const item& each) {
  return each.what == item::kind::event || each.what == item::kind::assignment
         || each.what == item::kind::buried;
}

/// What is no call, in its turn.
void runner::take_own(item& each) {
  switch (each.what) {
  case item::kind::event:
  case item::kind::assignment:
  case item::kind::buried:
    return take_event(each);
  case item::kind::events_again:
    is_held_alarm_set_ = false;
    is_held_due_ = true;
    return;
  case item::kind::journal_joined:
  case item::kind::journal_left:
  case item::kind::confirmed:
  case item::kind::resend:
    return take_relay_order(each);
  case item::kind::timers_due:
    alarm_at_ = wall_time::max();
    break;
  case item::kind::housekeeping:
    if (relay_.is_stalled(now_)) {
      announce_outbox();
    }
    break;
  default:
    break;
  }
  writes_.push_back({.what = &each});
}

/// The outbox goes on leaving while the group is down, and what it promised to do it does later.
void runner::take_while_down(item& each) {
  if (is_of_events(each)) {
    hold(std::move(each));
  } else if (
      each.what == item::kind::events_again || each.what == item::kind::journal_joined
      || each.what == item::kind::journal_left || each.what == item::kind::confirmed
      || each.what == item::kind::resend) {
    take_own(each);
  } else if (each.what != item::kind::housekeeping) { // Of that there is always more.
    out_.again.push_back(std::move(each));
  }
}

void runner::take_event(item& each) {
  const bool has_room = !effects_ || each.what != item::kind::event || effects_->has_room();
  if (!held_.empty() && held_.back().login != each.login) {
    drop_held();
  }
  if (!held_.empty() || !has_room) {
    hold(std::move(each));
  } else if (turn_) {
    writes_.push_back({.what = &each});
  } else {
    run_event_without_store(each);
  }
}

void runner::run_event_without_store(item& each) {
  write one{.what = &each};
  if (each.what == item::kind::assignment) {
    return events_.assign(each);
  }
  if (each.what == item::kind::buried) {
    return events_.bury(each);
  }
  replica& by = *replica_for(each.key);
  one.by = by.instance.get();
  one.replica = by.number;
  busy_since_.store(now_.time_since_epoch().count(), std::memory_order_relaxed);
  const wall_time now = group_.parts().time.wall();
  try {
    events_.run(one, output_, now);
  } catch (const std::exception& thrown) {
    one.threw = thrown.what();
  } catch (...) {
    one.threw = "something that is no std::exception";
  }
  if (one.threw) {
    events_.run(one, output_, now); // Writes down that it failed.
    discard(by, *one.threw, each.id);
  }
  group_.events_in_hand.fetch_sub(1, std::memory_order_relaxed);
  lap();
  busy_since_.store(0, std::memory_order_relaxed);
}

void runner::settle_event(write& each) {
  if (each.failed) {
    return hold(std::move(*each.what)); // Its turn was undone: it has not happened.
  }
  if (each.what->what == item::kind::event) {
    group_.events_in_hand.fetch_sub(1, std::memory_order_relaxed);
  }
}

void runner::hold(item&& one) {
  if (!held_.empty() && held_.back().login != one.login) {
    drop_held();
  }
  held_.push_back(std::move(one));
  wake_for_held();
}

/// After a new login the broker assigns and delivers anew: what an earlier one brought is void.
void runner::drop_held() {
  const auto events = std::count_if(
      held_.begin(), held_.end(), [](const item& each) { return each.what == item::kind::event; });
  group_.events_in_hand.fetch_sub(events, std::memory_order_relaxed);
  group_.counters().events_of_others.fetch_add(
      static_cast<std::uint64_t>(events), std::memory_order_relaxed);
  held_.clear();
}

void runner::wake_for_held() {
  if (std::exchange(is_held_alarm_set_, true)) {
    return;
  }
  item again{.what = item::kind::events_again};
  again.partition = static_cast<std::uint32_t>(&queue_ - group_.queues().data());
  out_.later.emplace_back(held_for, std::move(again));
}

/// What came of the events of this turn, to the journal's broker.
void runner::report_events() {
  if (!turn_) {
    events_.finish();
    events_.committed();
  }
  for (event_turn::report& each : events_.reports()) {
    header_.clear();
    wire::append_plain_header(header_, each.kind);
    const auto link = static_cast<std::size_t>(each.link);
    replies_[link].append(header_, each.body);
    close_if_full(link);
  }
  events_.reports().clear();
}

void runner::set_alarm() {
  if (output_.next_timer >= alarm_at_) {
    return;
  }
  alarm_at_ = output_.next_timer;
  const auto wait = std::chrono::ceil<milliseconds>(alarm_at_ - group_.parts().time.wall());
  out_.later.emplace_back(
      std::clamp(wait, milliseconds{0}, alarm_max), item{.what = item::kind::timers_due});
}

bool runner::has_to_relay() const {
  return relay_.to_read(1).has_value();
}

void runner::take_relay_order(const item& what) {
  if (!store_) {
    return;
  }
  switch (what.what) {
  case item::kind::journal_joined:
    journal_link_ = what.link;
    return announce_outbox();
  case item::kind::journal_left:
    return relay_.left();
  case item::kind::confirmed: {
    const auto read = wire::checked_decode<wire::confirmed>(what.body);
    if (!read) {
      return;
    }
    TROUPE_FAULT("relay.confirmed");
    relay_.confirmed(read->up_to, now_);
    turn_->confirmed(relay_.confirmed());
    group_.counters().outbox_confirmed.store(relay_.confirmed(), std::memory_order_relaxed);
    if (!read->refused.empty()) {
      relay_.refused();
      group_.set_outbox_trouble(read->refused);
      group_.parts().log.write(
          "outbox.refused", {{"capability", group_.name()}, {"reason", read->refused}});
    } else if (relay_.is_refused()) {
      announce_outbox(); // It is taken again.
    }
    return;
  }
  default:
    if (const auto read = wire::checked_decode<wire::resend>(what.body)) {
      relay_.resend({read->from, read->to});
    }
  }
}

/// OUTBOX: what there is to relay. The broker confirms what it has and asks for what it misses.
void runner::announce_outbox() {
  try {
    const auto [seq, id] = store::outbox{*store_->database}.newest();
    header_.clear();
    wire::append_plain_header(header_, wire::kind::outbox);
    replies_[static_cast<std::size_t>(journal_link_)].append(
        header_,
        wire::encoded(wire::outbox_state{group_.name(), store_->database->instance(), seq, id}));
    relay_.joined(seq, group_.parts().time.now());
    group_.set_outbox_trouble({});
    group_.counters().outbox_newest.store(relay_.newest(), std::memory_order_relaxed);
  } catch (const store::database_error& fault) {
    relay_failed(fault);
  }
}

void runner::relay_failed(const store::database_error& fault) {
  group_.parts().log.write(
      "outbox.unreadable", {{"capability", group_.name()}, {"reason", fault.what()}});
  relay_.left();
  item again{.what = item::kind::journal_joined, .link = journal_link_};
  out_.later.emplace_back(relay_again_after, std::move(again));
}

/// What the turn has just committed leaves from memory.
void runner::relay_committed() {
  if (output_.took_over && relay_.is_up()) {
    announce_outbox(); // The dead may not have relayed all.
  }
  if (output_.events.empty()) {
    return;
  }
  const std::uint64_t leaving = relay_.committed(output_.events.front().seq, output_.events.size());
  group_.counters().outbox_newest.store(relay_.newest(), std::memory_order_relaxed);
  for (std::uint64_t i = 0; i < leaving; ++i) {
    const store::outbox_row& row = output_.events[i];
    relay({row.seq, row.id, row.topic, row.key, row.body});
  }
}

void runner::relay_from_table() {
  const auto rows = relay_.to_read(relayed_rows_max);
  if (!rows) {
    return;
  }
  std::uint64_t last = rows->last;
  std::size_t bytes = 0;
  try {
    store::outbox{*store_->database}.read(
        rows->first, rows->last, [&](const store::outbox_view& row) {
          relay(row);
          bytes += row.body.size();
          if (bytes > relayed_bytes_max) {
            last = row.seq;
            return false;
          }
          return true;
        });
    relay_.sent(last);
  } catch (const store::database_error& fault) {
    relay_failed(fault);
  }
}

void runner::relay(const store::outbox_view& event) {
  TROUPE_FAULT("relay.before_send");
  const auto link = static_cast<std::size_t>(journal_link_);
  wire::batch_writer& out = replies_[link];
  const std::size_t at = out.begin();
  wire::append_event_header(
      out.frame(),
      {.kind = wire::kind::relay,
       .id = event.id,
       .to = group_.name(),
       .topic = event.topic,
       .key = event.key,
       .seq = event.seq});
  out.begin_body(at);
  out.frame().append(event.body);
  out.end(at);
  group_.counters().relayed.fetch_add(1, std::memory_order_relaxed);
  close_if_full(link);
}

/// A frame has a bound (wire/limits.hpp), beyond which ZeroMQ would cut the connection.
void runner::close_if_full(std::size_t link) {
  if (replies_[link].bytes() > wire::batch_bytes_target) {
    out_.replies.push_back({static_cast<int>(link), replies_[link].take()});
  }
}

} // namespace troupe
