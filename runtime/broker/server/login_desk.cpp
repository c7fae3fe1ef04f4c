#include "runtime/broker/server/login_desk.hpp"

#include "runtime/fault_point.hpp"
#include "runtime/wire/departure.hpp"

#include <algorithm>

namespace troupe::broker {

using transport::framing;
using transport::peer;
using transport::sent;

namespace {

// The time between two log lines about messages that were dropped.
constexpr std::chrono::seconds flood_log_interval{10};
// The interval of checks for expired tokens.
constexpr std::chrono::seconds expiry_interval{1};
// The most logins listed; some are enough to show that tokens are not renewed.
constexpr std::size_t ending_told_max = 16;

} // namespace

error say_hello_first() {
  return {
      .code = errc::unauthenticated,
      .message = "this connection is not logged in; say HELLO (again)"};
}

login_desk::login_desk(
    const server_options& options,
    peer_sender& out,
    switchboard& calls,
    broker_log& log,
    instant now)
    : options_{options}, out_{out}, calls_{calls}, log_{log}, pings_{
                                                                  options.heartbeat.interval,
                                                                  options.ping_interval,
                                                                  now} {
}

outcome<void>
login_desk::log_in(origin from, const wire::hello& what, const proof& proved, instant now) {
  if (what.role == "worker") {
    return log_in_worker(from, what, proved, now);
  }
  login_id before = out_.logins().find(peer_of(from));
  if (before != login_id{nowhere} && out_.logins()[before].is_worker) {
    end(before, false, "it logged in as a client", now);
    before = login_id{nowhere};
  }
  if (before == login_id{nowhere}) {
    ++clients_joined_;
    before = out_.open(peer_of(from), false);
    out_.logins().bind(before);
    const auto& known = options_.gateways;
    const std::string& name = options_.has_keys ? proved.owner : what.node;
    if (const auto named = std::ranges::find(known, name); named != known.end()) {
      gateways_[before] = static_cast<std::size_t>(named - known.begin());
    }
  }
  if (what.body_bytes_max) {
    out_.logins().set_body_bytes_max(before, wire::carried_bytes_max(*what.body_bytes_max));
  }
  out_.logins().set_row(before, proved.row);
  out_.logins().set_proved(before, proved.owner, proved.until, now);
  send_welcome(from);
  return {};
}

outcome<void>
login_desk::log_in_worker(origin from, const wire::hello& what, const proof& proved, instant now) {
  // The process with this name may have just died: ping its connection.
  const login_id before = out_.logins().find(peer_of(from));
  if (const login_id other = calls_.calls().login_of(what.node);
      other != login_id{nowhere} && other != before && say_ping(other) != sent::queued) {
    end(other, true, "its connection is gone", now);
  }
  if (before != login_id{nowhere} && before != calls_.calls().login_of(what.node)) {
    end(before, false, "it logged in as somebody else", now);
  }
  const login_id whom = out_.open(peer_of(from), true);
  if (const auto taken = calls_.hello(whom, what, now); !taken) {
    out_.close(whom);
    return failure{taken.error()};
  }
  out_.logins().set_row(whom, proved.row);
  out_.logins().set_proved(whom, proved.owner, proved.until, now);
  out_.logins().bind(whom);
  TROUPE_FAULT("broker.before_welcome");
  // WELCOME is sent at once, and so before the first delivery, which is sent with the batch.
  send_welcome(from);
  TROUPE_FAULT("broker.welcomed");
  calls_.joined(whom, what, now);
  return {};
}

wire::welcome login_desk::welcome() const {
  return {
      .broker = options_.name,
      .incarnation = options_.incarnation,
      .heartbeat_ms = static_cast<std::uint32_t>(options_.heartbeat.interval.count()),
      .timeout_ms = static_cast<std::uint32_t>(options_.heartbeat.timeout.count()),
      .body_bytes_max = options_.body_bytes_max,
      .journal = calls_.events() != nullptr,
      .journal_generation = calls_.journal_generation()};
}

void login_desk::send_welcome(origin to) {
  std::string header;
  wire::append_plain_header(header, wire::kind::welcome);
  // The next ping detects a peer that is gone already.
  (void)out_.send(unbatched(to), header, wire::encoded(welcome()));
}

void login_desk::tell_journal() {
  std::string header;
  wire::append_plain_header(header, wire::kind::welcome);
  const std::string body = wire::encoded(welcome());
  out_.logins().for_each(
      [&](login_id whom, const login_table::login&) { out_.append(whom, header, body); });
}

void login_desk::end(login_id whom, bool is_blamed, std::string_view why, instant now) {
  if (out_.logins()[whom].is_worker) {
    // The router takes back the worker's calls, and closes the login.
    return calls_.leave(whom, is_blamed, why, now);
  }
  clients_lost_ += is_blamed ? 1U : 0U;
  gateways_.erase(whom);
  calls_.client_left(origin_of(out_.logins()[whom].peer, framing::batched));
  out_.close(whom);
}

std::vector<wire::known_gateway> login_desk::gateways() const {
  std::vector<wire::known_gateway> said;
  for (const std::string& name : options_.gateways) {
    said.push_back({name});
  }
  for (const auto& [whom, place] : gateways_) {
    said[place].live = true;
  }
  return said;
}

std::vector<wire::ending_login> login_desk::ending(instant now) const {
  std::vector<wire::ending_login> said;
  if (!options_.check_token) {
    return said;
  }
  out_.logins().for_each([&](login_id, const login_table::login& each) {
    const bool is_ending = !each.refused.empty() || now >= each.overdue;
    if (is_ending && said.size() < ending_told_max) {
      const auto left = std::chrono::duration_cast<milliseconds>(each.until - now);
      said.push_back(
          {each.owner,
           static_cast<std::uint64_t>(std::max<std::int64_t>(left.count(), 0)),
           wire::travelling(each.refused, wire::why_bytes_max)});
    }
  });
  return said;
}

void login_desk::lost(peer whom, instant now) {
  if (const login_id login = out_.logins().find(whom); login != login_id{nowhere}) {
    end(login, true, "its connection is gone", now);
  }
}

void login_desk::end_flooding(peer whom, std::uint64_t dropped, instant now) {
  if (now >= log_flood_at_) {
    log_flood_at_ = now + flood_log_interval;
    log_.write(
        {"messages_dropped",
         {{"in_all", std::to_string(dropped)},
          {"what",
           "a peer sends more than this broker can go through; what it had sent was dropped, and "
           "it "
           "has to log in anew"}}},
        now);
  }
  if (const login_id login = out_.logins().find(whom); login != login_id{nowhere}) {
    end(login, false, "it sends more than can be gone through", now);
  }
}

void login_desk::note_stuck(std::size_t links, instant now) {
  stuck_ += links;
  if (now < log_stuck_at_) {
    return;
  }
  log_stuck_at_ = now + flood_log_interval;
  log_.write(
      {"links_stuck",
       {{"in_all", std::to_string(stuck_)},
        {"what",
         "a peer sent more than a message holds, or more frames: it has the ZeroMQ "
         "routing id (identity) of another connection, or its message has no end; its connection "
         "was ended"}}},
      now);
}

void login_desk::end_workers(instant now) {
  out_.logins().for_each([&](login_id whom, const login_table::login& login) {
    if (login.is_worker) {
      const origin to = origin_of(login.peer, framing::plain);
      end(whom, false, "this broker stood still", now);
      out_.refuse(to, uuid{}, say_hello_first());
    }
  });
}

/// Ends the logins whose tokens have expired, and tells their peers.
void login_desk::end_expired(instant now) {
  out_.logins().for_each([&](login_id whom, const login_table::login& login) {
    if (login.until <= now) {
      const origin to = origin_of(login.peer, framing::plain);
      end(whom, false, "its service token has expired", now);
      out_.refuse(
          to,
          uuid{},
          {.code = errc::unauthenticated,
           .message = "the service token of this login has expired; say HELLO with a new one",
           .details = {{"reason", "expired"}}});
    }
  });
}

instant login_desk::next_due() const {
  const instant ping = pings_.next(out_.logins().workers() != 0);
  return options_.check_token ? std::min(ping, expiry_look_at_) : ping;
}

void login_desk::due(instant now) {
  if (const auto round = pings_.due(now); round != ping_schedule::round::nobody) {
    ping(round, now);
  }
  if (options_.check_token && now >= expiry_look_at_) {
    expiry_look_at_ = now + expiry_interval;
    end_expired(now);
  }
}

void login_desk::ping(ping_schedule::round whom, instant now) {
  out_.logins().for_each([&](login_id each, const login_table::login& login) {
    if (login.is_worker || whom == ping_schedule::round::everybody) {
      ping(each, now);
    }
  });
}

/// Pings a peer, and ends the login of one that cannot be reached.
void login_desk::ping(login_id whom, instant now) {
  const sent how = say_ping(whom);
  if (how == sent::full) {
    end(whom, true, "it reads nothing any more", now);
  } else if (how == sent::gone) {
    out_.note_gone(whom);
  }
}

/// Sends a ping: with ROUTER_MANDATORY a send is the one way to learn whose connection ended.
sent login_desk::say_ping(login_id whom) {
  std::string header;
  wire::append_plain_header(header, wire::kind::ping);
  return out_.send(origin_of(out_.logins()[whom].peer, framing::plain), header, {});
}

void login_desk::say_bye() {
  std::string header;
  wire::append_plain_header(header, wire::kind::bye);
  out_.logins().for_each(
      [&](login_id whom, const login_table::login&) { out_.append(whom, header, {}); });
}

} // namespace troupe::broker
