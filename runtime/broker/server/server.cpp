#include "runtime/broker/server/server.hpp"

#include "runtime/fault_point.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace troupe::broker {

namespace {

using transport::framing;
using transport::peer;
using transport::sent;

constexpr std::size_t recent_events_max = 64;
constexpr milliseconds tick_interval = router::tick_interval;

origin origin_of(peer from, framing how) {
  return static_cast<origin>(
      (std::uint64_t{static_cast<std::uint8_t>(how)} << 32U)
      | std::uint64_t{static_cast<std::uint32_t>(from)});
}

peer peer_of(origin from) {
  return static_cast<peer>(static_cast<std::uint32_t>(static_cast<std::uint64_t>(from)));
}

framing framing_of(origin from) {
  return static_cast<framing>(static_cast<std::uint64_t>(from) >> 32U);
}

error say_hello_first() {
  return {
      .code = errc::unauthenticated,
      .message = "this connection is not logged in; say HELLO (again)"};
}

} // namespace

server::server(transport::router_loop& loop, server_options options, event_sink log, instant now)
    : loop_{loop}, options_{std::move(options)}, log_{std::move(log)},
      router_{options_.router, quarantine_}, started_{now}, ticked_{now}, pinged_{now}, beat_{now} {
}

void server::received(
    peer from, framing how, std::string_view bytes, std::string_view body, instant now) {
  wire::header_view partial;
  const auto header = wire::scan_header(bytes, &partial);
  if (!header) {
    ++counts_.malformed;
    return respond_error({from, how}, partial.id, header.error());
  }
  const bool is_too_large = body.size() > options_.body_bytes_max;
  if (header->kind == wire::kind::call && is_too_large) {
    ++counts_.malformed;
    return respond_error({from, how}, header->id, too_large("a body", body.size()));
  }
  if (header->kind == wire::kind::call && how != framing::batched) {
    return take_call({from, how}, *header, bytes, body, now); // Needs no login.
  }
  if (header->kind == wire::kind::hello) {
    return log_in({from, how}, header->id, body, now);
  }
  if (header->kind == wire::kind::ping) {
    scratch_.clear();
    wire::append_plain_header(scratch_, wire::kind::pong);
    return respond({from, how}, scratch_, {});
  }
  const std::uint32_t place = find(from);
  if (place == nowhere) {
    ++counts_.unauthenticated;
    // Always in plain frames: who is not logged in has no batch.
    const framing plain = how == framing::batched ? framing::plain : how;
    return respond_error({from, plain}, uuid{}, say_hello_first());
  }
  if (header->kind == wire::kind::call) {
    return take_call({from, how}, *header, bytes, body, now);
  }
  if (header->kind == wire::kind::reply && is_too_large) {
    // The call has to end, and its worker to get its credit back.
    ++counts_.malformed;
    std::string instead;
    error why = too_large("the answer has a body", body.size());
    why.code = errc::internal;
    why.possible = effect::unknown;
    wire::append_error_header(instead, header->id, why);
    return take_other({from, how}, place, *wire::scan_header(instead), instead, {}, now);
  }
  take_other({from, how}, place, *header, bytes, body, now);
}

error server::too_large(std::string_view what, std::size_t bytes) const {
  return invalid(fmt::format(
      "{} of {} bytes; {} are the limit (`limits: {{body: ...}}` of the topology)",
      what,
      bytes,
      options_.body_bytes_max));
}

void server::take_call(
    reply_to from,
    const wire::header_view& header,
    std::string_view bytes,
    std::string_view body,
    instant now) {
  if (header.to.starts_with("troupe.") && take_own(from, header, body, now)) {
    return;
  }
  TROUPE_FAULT("broker.call_received");
  router_.call(origin_of(from.peer, from.how), header, bytes, body, now, decisions_);
  carry_out(now);
}

/// Calls that brokers answer themselves. False if this is none.
bool server::take_own(
    reply_to from, const wire::header_view& header, std::string_view body, instant now) {
  if (header.to == "troupe.broker") {
    own_call(from, header, now);
    return true;
  }
  const bool is_publish = header.to == "troupe.publish";
  if (!is_publish && header.to != "troupe.events") {
    return false;
  }
  if (!events_) {
    respond_error(from, header.id, no_journal_here());
  } else if (draining_) {
    respond_error(
        from,
        header.id,
        {.code = errc::unavailable,
         .message = "this broker is being drained",
         .retry_after = milliseconds{50}});
  } else if (is_publish) {
    events_->publish(origin_of(from.peer, from.how), header, body, now);
  } else {
    events_->call(origin_of(from.peer, from.how), header, body, now);
  }
  return true;
}

error server::no_journal_here() const {
  if (options_.journal_keeper.empty()) {
    return {.code = errc::unavailable, .message = "no broker of this topology keeps a journal"};
  }
  return {
      .code = errc::unavailable,
      .message = fmt::format(
          "the journal of events is kept by broker {}, not by {}; ask there",
          options_.journal_keeper,
          options_.name),
      .details = {{"broker", options_.journal_keeper}}};
}

/// What only a peer that is logged in may say.
void server::take_other(
    reply_to from,
    std::uint32_t place,
    const wire::header_view& header,
    std::string_view bytes,
    std::string_view body,
    instant now) {
  const auto as_login = static_cast<login_id>(place);
  switch (header.kind) {
  case wire::kind::reply:
    TROUPE_FAULT("broker.reply_received");
    router_.reply(as_login, header, bytes, body, now, decisions_);
    return carry_out(now);
  case wire::kind::state:
    if (const auto state = wire::checked_decode<wire::state>(body)) {
      router_.state(as_login, *state, now, decisions_);
      carry_out(now);
      if (events_ && logins_[place].in_use) {
        events_->state(as_login, *state, now);
      }
      return;
    } else {
      ++counts_.malformed;
      return respond_error(from, header.id, state.error());
    }
  case wire::kind::pong:
    // From a client it is no more than a sign of life.
    if (const auto progress = wire::checked_decode<wire::pong>(body)) {
      router_.pong(as_login, *progress, now);
    }
    return;
  case wire::kind::bye:
    return end_login(place, false, "it said BYE", now);
  case wire::kind::outbox:
  case wire::kind::relay:
  case wire::kind::assigned:
  case wire::kind::handled:
    return take_event_talk(from, place, header, body, now);
  default:
    ++counts_.malformed;
    return respond_error(
        from,
        header.id,
        invalid(fmt::format("`{}` is for brokers to say", wire::name_of(header.kind))));
  }
}

/// What workers and the broker with the journal say to each other about events.
void server::take_event_talk(
    reply_to from,
    std::uint32_t place,
    const wire::header_view& header,
    std::string_view body,
    instant now) {
  if (!events_) {
    return respond_error(from, header.id, no_journal_here());
  }
  if (!logins_[place].is_worker) {
    ++counts_.malformed;
    return respond_error(
        from,
        header.id,
        invalid(fmt::format("`{}` is for workers to say", wire::name_of(header.kind))));
  }
  const auto heard = events_->worker_said(static_cast<login_id>(place), header, body, now);
  if (!heard) {
    // Not answered: an error that belongs to no call says that the login is over.
    ++counts_.malformed;
    log(make_event(
            "worker_misspoke",
            {{"kind", std::string{wire::name_of(header.kind)}}, {"why", heard.error().message}}),
        now);
  }
}

void server::malformed(peer from, framing how, std::string_view why, instant) {
  ++counts_.malformed;
  // A broken batch has no envelope to answer; whoever sends one is told in plain frames.
  respond_error(
      {from, how == framing::batched ? framing::plain : how}, uuid{}, invalid(std::string{why}));
}

/// Does what the router decided, in order.
void server::carry_out(instant now) {
  for (const action& each : decisions_.actions) {
    if (const auto* to_worker = std::get_if<deliver>(&each)) {
      TROUPE_FAULT("broker.before_deliver");
      loop_.append(
          logins_[static_cast<std::size_t>(to_worker->to)].batch,
          router_.header_of(to_worker->call),
          router_.body_of(to_worker->call));
    } else if (const auto* to_caller = std::get_if<answer>(&each)) {
      TROUPE_FAULT("broker.before_answer");
      respond(
          {peer_of(to_caller->to), framing_of(to_caller->to)}, to_caller->header, to_caller->body);
      TROUPE_FAULT("broker.answered");
    } else if (const auto* refused = std::get_if<refuse>(&each)) {
      respond_error(
          {peer_of(refused->to), framing_of(refused->to)},
          refused->id,
          decisions_.errors[refused->error]);
    } else if (const auto* ended = std::get_if<forget>(&each)) {
      if (events_) {
        left_.push_back(*ended);
      }
      remove_login(static_cast<std::uint32_t>(ended->whom));
    } else {
      tell_roster();
    }
  }
  for (log_event& each : decisions_.log) {
    log(std::move(each), now);
  }
  decisions_.clear();
  // Only now: what the event service does about it may come back to the router.
  for (const forget& each : std::exchange(left_, {})) {
    events_->left(each.whom, each.is_blamed, now);
  }
}

/// Lets router and bus know whose turn it is in quarantine, until that stays as it is.
void server::follow_quarantine(instant now) {
  while (quarantine_followed_ != quarantine_.changes()) {
    quarantine_followed_ = quarantine_.changes();
    router_.follow_quarantine(now, decisions_);
    carry_out(now);
    if (events_) {
      events_->follow_quarantine(now);
    }
  }
}

void server::respond(reply_to to, std::string_view header, std::string_view body) {
  if (to.how != framing::batched) {
    counts_.undeliverable += loop_.send(to.peer, to.how, header, body) == sent::queued ? 0U : 1U;
    return;
  }
  const std::uint32_t place = find(to.peer);
  if (place == nowhere) {
    ++counts_.undeliverable;
  } else {
    loop_.append(logins_[place].batch, header, body);
  }
}

void server::respond_error(reply_to to, const uuid& id, const error& why) {
  scratch_.clear();
  wire::append_error_header(scratch_, id, why);
  if (to.how == framing::batched && find(to.peer) == nowhere) {
    to.how = framing::plain;
  }
  respond(to, scratch_, {});
}

void server::log(log_event event, instant now) {
  if (log_) {
    log_(event);
  }
  if (recent_.size() == recent_events_max) {
    recent_.pop_front();
  }
  recent_.push_back({now, std::move(event)});
}

void server::link_closed(instant now) {
  ping_all(false, now);
}

void server::gone(peer whom, instant now) {
  if (const std::uint32_t place = find(whom); place != nowhere) {
    end_login(place, true, "its connection is gone", now);
  }
}

void server::stood_still(instant::duration how_long, instant now) {
  ++counts_.stood_still;
  const auto stood = std::chrono::duration_cast<milliseconds>(how_long);
  log(make_event("stood_still", {{"for_ms", std::to_string(stood.count())}}), now);
  // Replies may have been dropped with what was received: all workers start anew.
  for (std::uint32_t place = 0; place < logins_.size(); ++place) {
    if (logins_[place].in_use && logins_[place].is_worker) {
      const peer whom = logins_[place].peer;
      end_login(place, false, "this broker stood still", now);
      respond_error({whom, framing::plain}, uuid{}, say_hello_first());
    }
  }
}

instant server::next_due() const {
  if (wants_drain_.load(std::memory_order_relaxed) && !draining_) {
    return instant{}; // At once.
  }
  if (quarantine_followed_ != quarantine_.changes()) {
    return instant{};
  }
  instant next = beat_ + options_.heartbeat.interval;
  if (router_.has_timers()) {
    next = std::min(next, ticked_ + tick_interval);
  }
  if (workers_ != 0) {
    next = std::min(next, pinged_ + options_.ping_interval);
  }
  return events_ ? std::min(next, events_->next_due(ticked_ + tick_interval)) : next;
}

void server::due(instant now) {
  if (now - ticked_ >= tick_interval) {
    ticked_ = now;
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
  if (now - beat_ >= options_.heartbeat.interval) {
    beat_ = now;
    pinged_ = now;
    ping_all(false, now);
  } else if (now - pinged_ >= options_.ping_interval) {
    pinged_ = now;
    ping_all(true, now);
  }
  if (wants_drain_.load(std::memory_order_relaxed)) {
    begin_drain(now);
  }
}

void server::request_drain() {
  wants_drain_.store(true, std::memory_order_relaxed);
  loop_.wake_up();
}

void server::begin_drain(instant now) {
  if (!draining_) {
    draining_ = true;
    drain_until_ = now + options_.drain_max;
    router_.drain();
    log(make_event("draining", {{"calls", std::to_string(router_.waited_for())}}), now);
    TROUPE_FAULT("broker.draining");
  }
  const bool is_idle = router_.waited_for() == 0 && (!events_ || events_->pending() == 0);
  if (is_idle || now >= drain_until_) {
    TROUPE_FAULT("broker.before_bye");
    say_bye();
    loop_.stop();
  }
}

void server::keep_journal(
    const clock& time, event_service_options options, const journal_state& state) {
  events_ = std::make_unique<event_service>(time, *this, quarantine_, std::move(options), state);
}

void server::pass_answer(origin to, std::string_view header, std::string_view body) {
  respond({peer_of(to), framing_of(to)}, header, body);
}

void server::pass_refusal(origin to, const uuid& id, const error& why) {
  respond_error({peer_of(to), framing_of(to)}, id, why);
}

void server::pass_message(login_id to, std::string_view header, std::string_view body) {
  const login& whom = logins_[static_cast<std::uint32_t>(to)];
  if (whom.in_use) {
    loop_.append(whom.batch, header, body);
  }
}

void server::report(log_event event, instant now) {
  log(std::move(event), now);
}

} // namespace troupe::broker
