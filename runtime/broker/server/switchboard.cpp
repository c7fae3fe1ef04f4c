#include "runtime/broker/server/switchboard.hpp"

#include "runtime/fault_point.hpp"

#include <algorithm>
#include <utility>

namespace troupe::broker {

namespace {

void send_roster_to_workers(const router& calls, peer_sender& out) {
  std::string header;
  wire::append_plain_header(header, wire::kind::roster);
  const std::string body = wire::encoded(calls.roster());
  out.logins().for_each([&](login_id whom, const login_table::login&) {
    if (calls.is_worker(whom)) {
      out.append(whom, header, body);
    }
  });
}

} // namespace

switchboard::switchboard(peer_sender& out, broker_log& log, router_options options, instant now)
    : out_{out}, log_{log}, router_{std::move(options), quarantine_, cuts_}, followed_{now} {
}

void switchboard::keep_journal(
    const clock& time, event_service_options options, const journal_state& state) {
  events_ =
      std::make_unique<event_service>(time, *this, quarantine_, cuts_, std::move(options), state);
}

void switchboard::join_workers(instant now) {
  for (const auto& [whom, hello] : shared_.workers.all()) {
    events_->joined(whom, hello, now);
  }
}

given_up_journal switchboard::give_up_journal(const error& why, instant now) {
  given_up_journal given = events_->give_up(why, now);
  events_.reset();
  follow_quarantine(now);
  return given;
}

void switchboard::call(
    origin from,
    const wire::header_view& header,
    std::string_view bytes,
    std::string_view body,
    instant now) {
  TROUPE_FAULT("broker.call_received");
  router_.call(from, header, bytes, body, now, decisions_);
  carry_out(now);
}

void switchboard::reply(
    login_id from,
    const wire::header_view& header,
    std::string_view bytes,
    std::string_view body,
    instant now) {
  TROUPE_FAULT("broker.reply_received");
  router_.reply(from, header, bytes, body, now, decisions_);
  carry_out(now);
}

outcome<void> switchboard::state(login_id from, const wire::state& what, instant now) {
  TROUPE_CHECK(router_.check(from, what.serves));
  router_.state(from, what, now, decisions_);
  carry_out(now);
  if (shared_.generation) {
    shared_.workers.said(from, what);
  }
  if (events_ && out_.logins()[from].in_use) {
    events_->state(from, what, now);
  }
  return {};
}

outcome<void> switchboard::hello(login_id whom, const wire::hello& what, instant now) {
  return router_.hello(whom, what, now, decisions_);
}

void switchboard::joined(login_id whom, const wire::hello& what, instant now) {
  carry_out(now);
  if (shared_.generation) {
    shared_.workers.joined(whom, what);
  }
  if (events_) {
    events_->joined(whom, what, now);
  }
}

void switchboard::leave(login_id whom, bool is_blamed, std::string_view why, instant now) {
  TROUPE_FAULT("broker.worker_lost");
  if (is_blamed) {
    router_.gone(whom, why, now, decisions_);
  } else {
    router_.bye(whom, why, now, decisions_);
  }
  carry_out(now);
}

instant switchboard::next_due() const {
  if (followed_.changes != quarantine_.changes()) {
    return instant{}; // At once.
  }
  const instant tick = followed_.ticked + router::tick_interval;
  const bool is_timed = router_.has_timers() || quarantine_.is_busy();
  const instant next = is_timed ? tick : instant::max();
  return events_ ? std::min(next, events_->next_due(tick)) : next;
}

void switchboard::due(instant now) {
  if (now - followed_.ticked >= router::tick_interval) {
    followed_.ticked = now;
    quarantine_.tick(now);
    router_.tick(now, decisions_);
    carry_out(now);
    if (events_) {
      events_->tick(now);
    }
  }
  if (events_) {
    events_->due(now);
  }
  follow_quarantine(now);
}

/// Carries out the router's decisions, in order.
void switchboard::carry_out(instant now) {
  for (const action& each : decisions_.actions) {
    if (const auto* to_worker = std::get_if<deliver>(&each)) {
      TROUPE_FAULT("broker.before_deliver");
      const struct call& sent = router_.call_at(to_worker->call);
      if (observe::has_spans && spans_
          && (sent.is_traced || now - sent.arrived > observe::slow_from)) {
        spans_->add(sent, now);
      }
      out_.append(to_worker->to, sent.header(), sent.body());
    } else if (const auto* to_caller = std::get_if<answer>(&each)) {
      TROUPE_FAULT("broker.before_answer");
      out_.answer(to_caller->to, to_caller->header, to_caller->body);
      TROUPE_FAULT("broker.answered");
    } else if (const auto* refused = std::get_if<refuse>(&each)) {
      out_.refuse(refused->to, refused->id, decisions_.errors[refused->error]);
    } else if (const auto* ended = std::get_if<forget>(&each)) {
      shared_.workers.left(ended->whom);
      if (events_) {
        left_.push_back(*ended);
      }
      out_.close(ended->whom);
    } else {
      send_roster_to_workers(router_, out_);
    }
  }
  if (spans_) {
    for (const failed_call& each : decisions_.failed) {
      spans_->add(each, now);
    }
  }
  for (log_event& each : decisions_.log) {
    log_.write(std::move(each), now);
  }
  decisions_.clear();
  // Last, as the event service may come back to the router.
  for (const forget& each : std::exchange(left_, {})) {
    events_->left(each.whom, each.is_blamed, now);
  }
}

/// Tells router and bus about the turn in quarantine, until it no longer changes.
void switchboard::follow_quarantine(instant now) {
  while (followed_.changes != quarantine_.changes()) {
    followed_.changes = quarantine_.changes();
    router_.follow_quarantine(now, decisions_);
    carry_out(now);
    if (events_) {
      events_->follow_quarantine(now);
    }
  }
}

void switchboard::pass_answer(origin to, std::string_view header, std::string_view body) {
  out_.answer(to, header, body);
}

void switchboard::pass_refusal(origin to, const uuid& id, const error& why) {
  out_.refuse(to, id, why);
}

void switchboard::pass_message(login_id to, std::string_view header, std::string_view body) {
  if (out_.logins()[to].in_use) {
    out_.append(to, header, body);
  }
}

void switchboard::report(log_event event, instant now) {
  log_.write(std::move(event), now);
}

} // namespace troupe::broker
