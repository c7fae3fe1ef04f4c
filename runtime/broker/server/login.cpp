#include "runtime/broker/server/server.hpp"
#include "runtime/fault_point.hpp"

#include <fmt/format.h>

namespace troupe::broker {

using transport::framing;
using transport::peer;
using transport::sent;

/// The login of `whom`, or `nowhere`.
std::uint32_t server::find(peer whom) {
  if (is_last_known_ && whom == last_peer_) {
    return last_place_;
  }
  const auto found = login_of_peer_.find(static_cast<std::uint32_t>(whom));
  last_peer_ = whom;
  last_place_ = found == login_of_peer_.end() ? nowhere : found->second;
  is_last_known_ = true;
  return last_place_;
}

void server::log_in(reply_to from, const uuid& id, std::string_view body, instant now) {
  const auto hello = wire::checked_decode<wire::hello>(body);
  if (!hello) {
    ++counts_.malformed;
    return respond_error(from, id, hello.error());
  }
  if (hello->role == "worker") {
    return log_in_worker(from, *hello, now);
  }
  if (hello->role != "client") {
    ++counts_.malformed;
    return respond_error(
        from,
        hello->incarnation,
        invalid(fmt::format("role `{}` in HELLO; it is `worker` or `client`", hello->role)));
  }
  if (const std::uint32_t before = find(from.peer);
      before != nowhere && logins_[before].is_worker) {
    end_login(before, false, "it logged in as a client", now);
  }
  log_in_client(from);
}

void server::log_in_client(reply_to from) {
  if (find(from.peer) == nowhere) {
    ++counts_.clients_joined;
    (void)add_login(from.peer, false);
  }
  send_welcome(from);
}

void server::log_in_worker(reply_to from, const wire::hello& hello, instant now) {
  // Whoever has the name may have died this very moment: ask its connection.
  const login_id other = router_.login_of(hello.node);
  const std::uint32_t before = find(from.peer);
  if (other != login_id{nowhere} && static_cast<std::uint32_t>(other) != before) {
    (void)ping(static_cast<std::uint32_t>(other), now);
  }
  if (before != nowhere && static_cast<login_id>(before) != router_.login_of(hello.node)) {
    end_login(before, false, "it logged in as somebody else", now);
  }
  const std::uint32_t place = add_login(from.peer, true);
  const auto taken = router_.hello(static_cast<login_id>(place), hello, now, decisions_);
  if (!taken) {
    remove_login(place);
    if (before != nowhere && logins_[before].in_use) {
      login_of_peer_[static_cast<std::uint32_t>(from.peer)] = before;
      is_last_known_ = false;
    }
    log(make_event("login_refused", {{"node", hello.node}, {"why", taken.error().message}}), now);
    return respond_error({from.peer, framing::plain}, hello.incarnation, taken.error());
  }
  TROUPE_FAULT("broker.before_welcome");
  send_welcome(from); // At once, hence before the first delivery, which leaves with the batch.
  TROUPE_FAULT("broker.welcomed");
  carry_out(now);
  if (events_) {
    events_->joined(static_cast<login_id>(place), hello, now);
  }
}

std::uint32_t server::add_login(peer whom, bool is_worker) {
  auto place = static_cast<std::uint32_t>(logins_.size());
  if (free_logins_.empty()) {
    logins_.emplace_back();
  } else {
    place = free_logins_.back();
    free_logins_.pop_back();
  }
  logins_[place] = {
      .peer = whom, .in_use = true, .is_worker = is_worker, .batch = loop_.open_batch(whom)};
  workers_ += is_worker ? 1U : 0U;
  login_of_peer_[static_cast<std::uint32_t>(whom)] = place;
  is_last_known_ = false;
  return place;
}

void server::remove_login(std::uint32_t place) {
  login& ended = logins_[place];
  loop_.close_batch(ended.batch);
  // A worker that logs in again on the same connection has its new place there already.
  const auto at_peer = login_of_peer_.find(static_cast<std::uint32_t>(ended.peer));
  if (at_peer != login_of_peer_.end() && at_peer->second == place) {
    login_of_peer_.erase(at_peer);
  }
  is_last_known_ = false;
  workers_ -= ended.is_worker ? 1U : 0U;
  ended = {};
  free_logins_.push_back(place);
}

/// Ends a login from this side: of a worker through the router, which takes back what it had.
void server::end_login(std::uint32_t place, bool is_blamed, std::string_view why, instant now) {
  if (!logins_[place].is_worker) {
    counts_.clients_lost += is_blamed ? 1U : 0U;
    return remove_login(place);
  }
  const auto as_login = static_cast<login_id>(place);
  TROUPE_FAULT("broker.worker_lost");
  if (is_blamed) {
    router_.gone(as_login, why, now, decisions_);
  } else {
    router_.bye(as_login, why, now, decisions_);
  }
  carry_out(now);
}

void server::send_welcome(reply_to to) {
  scratch_.clear();
  wire::append_plain_header(scratch_, wire::kind::welcome);
  const wire::welcome welcome{
      .broker = options_.name,
      .incarnation = options_.incarnation,
      .heartbeat_ms = static_cast<std::uint32_t>(options_.heartbeat.interval.count()),
      .timeout_ms = static_cast<std::uint32_t>(options_.heartbeat.timeout.count()),
      .body_bytes_max = options_.body_bytes_max,
      .journal = events_ != nullptr};
  const framing how = to.how == framing::batched ? framing::plain : to.how;
  // If it is gone already the next ping says so.
  (void)loop_.send(to.peer, how, scratch_, wire::encoded(welcome));
}

void server::tell_roster() {
  std::string header;
  wire::append_plain_header(header, wire::kind::roster);
  const std::string body = wire::encoded(router_.roster());
  for (std::uint32_t place = 0; place < logins_.size(); ++place) {
    if (logins_[place].in_use && router_.is_worker(static_cast<login_id>(place))) {
      loop_.append(logins_[place].batch, header, body);
    }
  }
}

/// False, and the login is over, if the peer cannot be reached: with ROUTER_MANDATORY a send is the
/// one way to learn whose connection ended.
bool server::ping(std::uint32_t place, instant now) {
  std::string header;
  wire::append_plain_header(header, wire::kind::ping);
  const sent result = loop_.send(logins_[place].peer, framing::plain, header, {});
  if (result == sent::queued) {
    return true;
  }
  end_login(
      place,
      true,
      result == sent::full ? "it reads nothing any more" : "its connection is gone",
      now);
  return false;
}

/// The end of a drain: peers look for another broker, or for the next one here.
void server::say_bye() {
  std::string header;
  wire::append_plain_header(header, wire::kind::bye);
  for (const login& each : logins_) {
    if (each.in_use) {
      loop_.append(each.batch, header, {});
    }
  }
}

void server::ping_all(bool workers_only, instant now) {
  for (std::uint32_t place = 0; place < logins_.size(); ++place) {
    if (logins_[place].in_use && (logins_[place].is_worker || !workers_only)) {
      (void)ping(place, now);
    }
  }
}

} // namespace troupe::broker
