#include "runtime/broker/server/server.hpp"

#include "runtime/fault_point.hpp"
#include "runtime/wire/departure.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace troupe::broker {

namespace {

using transport::framing;
using transport::peer;

error too_large(std::string_view what, std::size_t bytes, std::uint64_t bytes_max) {
  return invalid(fmt::format(
      "{} of {} bytes; {} are the limit (`limits: {{body: ...}}` of the topology)",
      what,
      bytes,
      bytes_max));
}

/// The time left to a call after an uncounted wait.
std::uint32_t time_left(std::uint32_t ttl, instant::duration waited) {
  const auto used = std::chrono::ceil<milliseconds>(waited).count();
  return used >= ttl ? 0 : ttl - static_cast<std::uint32_t>(used);
}

/// Answers whether the next token of a login is accepted, if the peer asks; no peer of an earlier
/// release does.
void answer_renewal(
    peer_sender& out, origin to, const wire::header_view& asked, const outcome<void>& taken) {
  if (!asked.has_id) {
    return;
  }
  if (!taken) {
    return out.refuse(to, asked.id, taken.error());
  }
  std::string header;
  wire::append_reply_header(header, asked.id, wire::status::ok);
  out.answer(to, header, "\x80"); // An empty map.
}

error no_room(const server_options& at) {
  return {
      .code = errc::overloaded,
      .message = fmt::format(
          "broker {} has as many connections as its limit of {} open files lets it serve",
          at.name,
          at.open_files_max),
      .retry_after = milliseconds{1'000}};
}

/// Whether a sender of HELLO may stay. When descriptors run short, workers and operators may. If
/// links have keys, an operator is a peer with the right to see the broker's state, whatever its
/// name.
bool is_let_in(
    transport::router_loop& loop,
    const access_desk& access,
    const wire::hello& who,
    security::rules::row row) {
  if (!loop.is_in_reserve()) {
    return true;
  }
  const bool is_operator = access.is_on()
                               ? access.may_call(row, "troupe.broker", "status")
                               : who.node.starts_with("troupe-") || who.node == "operator";
  const bool is_expected = who.role == "worker" || is_operator;
  if (is_expected) {
    loop.keep_connection();
  }
  return is_expected;
}

} // namespace

server::server(
    transport::router_loop& loop, server_options options, broker_log::sink log, instant now)
    : loop_{loop}, options_{std::move(options)}, log_{std::move(log)},
      out_{loop, wire::carried_bytes_max(options_.body_bytes_max)},
      calls_{out_, log_, options_.router, now}, desk_{options_, out_, calls_, log_, now},
      drain_{options_.drain_max}, journal_{options_, calls_, desk_, log_, drain_},
      access_{options_.rules, log_}, proofs_{options_, loop_, out_.logins(), access_, counts_},
      report_{
          {loop, options_, log_, out_, calls_, desk_, journal_, drain_, counts_, access_}, now} {
}

void server::received(
    peer who, framing how, std::string_view bytes, std::string_view body, instant now) {
  const origin from = origin_of(who, how);
  wire::header_view partial;
  auto header = wire::scan_header(bytes, &partial);
  if (!header) {
    return refuse_malformed(from, partial.id, header.error());
  }
  if (header->kind == wire::kind::call) {
    header->ttl = time_left(header->ttl, loop_.waited(now));
  }
  if (header->kind == wire::kind::call && header->id == uuid{}) {
    return refuse_malformed(
        from, uuid{}, invalid("an `id` of 16 zero bytes names no call: make one for each call"));
  }
  const bool is_too_large = body.size() > options_.body_bytes_max;
  if (header->kind == wire::kind::call && is_too_large) {
    return refuse_malformed(
        from, header->id, too_large("a body", body.size(), options_.body_bytes_max));
  }
  if (header->kind == wire::kind::call && how != framing::batched) {
    if (!header->to.starts_with("troupe.") && loop_.is_in_reserve()) {
      return out_.refuse(from, header->id, no_room(options_));
    }
    if (proofs_.has_to_log_in(who)) {
      ++counts_.unauthenticated;
      return out_.refuse(from, header->id, log_in_with_token());
    }
    // A call needs no login.
    return take_call(proofs_.row(), from, *header, bytes, body, now);
  }
  if (header->kind == wire::kind::hello) {
    const auto hello = wire::checked_decode<wire::hello>(body);
    if (!hello) {
      return refuse_malformed(from, header->id, hello.error());
    }
    if (hello->role != "worker" && hello->role != "client") {
      return refuse_malformed(
          from,
          hello->incarnation,
          invalid(fmt::format(
              "role `{}` in HELLO; it is `worker` or `client`",
              hello->role.substr(0, wire::name_bytes_max))));
    }
    if (hello->node.size() > wire::name_bytes_max) {
      return refuse_malformed(
          from,
          hello->incarnation,
          invalid(fmt::format(
              "`node` in HELLO has {} bytes; {} are the limit",
              hello->node.size(),
              wire::name_bytes_max)));
    }
    return log_in(from, *hello, now);
  }
  if (header->kind == wire::kind::ping) {
    header_.clear();
    wire::append_plain_header(header_, wire::kind::pong);
    return out_.answer(from, header_, {});
  }
  const login_id whom = out_.logins().find(who);
  if (whom == login_id{nowhere}) {
    ++counts_.unauthenticated;
    return out_.refuse(from, uuid{}, say_hello_first());
  }
  if (header->kind == wire::kind::call) {
    return take_call(out_.logins()[whom].row, from, *header, bytes, body, now);
  }
  if (header->kind == wire::kind::reply && is_too_large) {
    // The call must end, and its worker get its credit back.
    ++counts_.malformed;
    std::string instead;
    error why = too_large("the answer has a body", body.size(), options_.body_bytes_max);
    why.code = errc::internal;
    why.possible = effect::unknown;
    wire::append_error_header(instead, header->id, why);
    return take_from_login(whom, from, *wire::scan_header(instead), instead, {}, now);
  }
  take_from_login(whom, from, *header, bytes, body, now);
}

/// Handles a readable HELLO. A login without the right is written to the audit log, where it cannot
/// push other lines out of `status`; other faults are logged for operators.
void server::log_in(origin from, const wire::hello& who, instant now) {
  const auto proved = proofs_.check(who, now);
  if (!proved) {
    if (!access_.is_on()) {
      log_.write({"login_refused", {{"node", who.node}, {"why", proved.error().message}}}, now);
    }
    return out_.refuse(from, who.incarnation, proved.error());
  }
  if (!is_let_in(loop_, access_, who, proved->row)) {
    return out_.refuse(from, who.incarnation, no_room(options_));
  }
  if (const auto in = desk_.log_in(from, who, *proved, now); !in) {
    if (!proofs_.note_refused(who, "capabilities", in.error(), now)) {
      log_.write({"login_refused", {{"node", who.node}, {"why", in.error().message}}}, now);
    }
    out_.refuse(unbatched(from), who.incarnation, in.error());
  }
}

/// @param who the sender's row in the table of rights (`security::rules`), kept with the login so
/// that a batch needs no look-up for each of its calls.
void server::take_call(
    security::rules::row who,
    origin from,
    wire::header_view& header,
    std::string_view bytes,
    std::string_view body,
    instant now) {
  if (access_.is_on()) {
    if (const auto wanted = access_.denied(who, header, body)) {
      return out_.refuse(
          from, header.id, access_.refusal(who, loop_.user_of_sender(), *wanted, now));
    }
    bytes = access_.name_sender(who, header, bytes);
  }
  if (!header.to.starts_with("troupe.") || !take_own_call(from, header, body, now)) {
    calls_.call(from, header, bytes, body, now);
  }
}

/// Answers a call that is for the broker itself. @return false if it is for a worker.
bool server::take_own_call(
    origin from, wire::header_view& header, std::string_view body, instant now) {
  if (header.ttl == 0) {
    out_.refuse(from, header.id, came_too_late());
    return true;
  }
  if (header.to != "troupe.publish" && header.to.starts_with("troupe.") && !out_.has_room(from)) {
    // Making an answer that there is no room for would cost time and reads from the disk.
    out_.refuse_unread(from, header.id, effect::none);
    return true;
  }
  if (header.to == "troupe.broker") {
    const auto said = report_.answer(header.op, body, now);
    if (said) {
      header_.clear();
      wire::append_reply_header(header_, header.id, wire::status::ok);
      out_.answer(from, header_, *said);
    } else {
      out_.refuse(from, header.id, said.error());
    }
    return true;
  }
  const bool is_publish = header.to == "troupe.publish";
  if (!is_publish && header.to != "troupe.events") {
    return false;
  }
  if (!access_.is_on()) {
    header.source = {}; // A source that nobody proved is left out, as events keep it for good.
  }
  if (calls_.events() == nullptr) {
    out_.refuse(from, header.id, journal_.elsewhere());
  } else if (drain_.has_begun()) {
    out_.refuse(
        from,
        header.id,
        {.code = errc::unavailable,
         .message = "this broker is being drained",
         .retry_after = milliseconds{50}});
  } else if (is_publish) {
    calls_.events()->publish(from, header, body, now);
  } else {
    calls_.events()->call(from, header, body, loop_.connection_of_sender(), now);
  }
  return true;
}

/// Takes an envelope that only a peer with a login may send.
void server::take_from_login(
    login_id whom,
    origin from,
    const wire::header_view& header,
    std::string_view bytes,
    std::string_view body,
    instant now) {
  switch (header.kind) {
  case wire::kind::reply:
    return calls_.reply(whom, header, bytes, body, now);
  case wire::kind::state: {
    const auto state = wire::checked_decode<wire::state>(body);
    if (!state) {
      return refuse_malformed(from, header.id, state.error());
    }
    if (state->token) {
      return answer_renewal(out_, from, header, proofs_.renew(whom, *state->token, now));
    }
    if (const auto taken = calls_.state(whom, *state, now); !taken) {
      note_misspoken("state", taken.error(), now);
    }
    return;
  }
  case wire::kind::pong:
    // A client sends none of its progress: its PONG is a sign of life and no more.
    if (const auto progress = wire::checked_decode<wire::pong>(body)) {
      calls_.pong(whom, *progress, now);
    }
    return;
  case wire::kind::bye:
    return desk_.bye(whom, now);
  case wire::kind::outbox:
  case wire::kind::relay:
  case wire::kind::assigned:
  case wire::kind::handled:
    return take_event_talk(whom, from, header, body, now);
  default:
    refuse_malformed(
        from,
        header.id,
        invalid(fmt::format("`{}` is for brokers to say", wire::name_of(header.kind))));
  }
}

/// Handles workers' messages about events to the broker with the journal.
void server::take_event_talk(
    login_id whom,
    origin from,
    const wire::header_view& header,
    std::string_view body,
    instant now) {
  if (calls_.events() == nullptr) {
    return journal_.is_shared() ? journal_.note_stray()
                                : out_.refuse(from, header.id, journal_.elsewhere());
  }
  const std::string_view kind = wire::name_of(header.kind);
  if (!out_.logins()[whom].is_worker) {
    return refuse_malformed(
        from, header.id, invalid(fmt::format("`{}` is for workers to say", kind)));
  }
  const auto heard = calls_.events()->worker_said(whom, header, body, now);
  if (!heard) {
    note_misspoken(kind, heard.error(), now);
  }
}

/// Logged and not answered: an error that belongs to no call would end the login.
void server::note_misspoken(std::string_view kind, const error& why, instant now) {
  ++counts_.malformed;
  log_.write({"worker_misspoke", {{"kind", std::string{kind}}, {"why", why.message}}}, now);
}

void server::malformed(peer from, framing how, std::string_view why, instant) {
  // A broken batch has no envelope to answer; its sender is told in plain frames.
  refuse_malformed(unbatched(origin_of(from, how)), uuid{}, invalid(std::string{why}));
}

void server::refuse_malformed(origin to, const uuid& id, const error& why) {
  ++counts_.malformed;
  out_.refuse(to, id, why);
}

bool server::takes_batches(peer from, instant) {
  if (out_.logins().find(from) != login_id{nowhere}) {
    return true;
  }
  // A frame counts once, however many envelopes are in it.
  ++counts_.unauthenticated;
  out_.refuse(origin_of(from, framing::plain), uuid{}, say_hello_first());
  return false;
}

void server::flooded(peer from, framing how, std::string_view header, instant now) {
  ++counts_.dropped;
  desk_.end_flooding(from, counts_.dropped, now);
  const auto read = how == framing::batched ? wire::scan_header({}) : wire::scan_header(header);
  if (read && read->kind == wire::kind::call) {
    return out_.refuse(
        origin_of(from, how),
        read->id,
        {.code = errc::overloaded,
         .message = "this client sends more than the broker can go through; the call was dropped",
         .retry_after = milliseconds{500}});
  }
  out_.refuse(origin_of(from, framing::plain), uuid{}, say_hello_first());
}

void server::connection_ended(int connection, instant) {
  if (calls_.events() != nullptr) {
    calls_.events()->connection_ended(connection);
  }
}

void server::link_closed(instant now) {
  desk_.ping_all(now);
}

void server::keys_expired(const std::set<std::string>& owners, std::size_t links, instant now) {
  log_.write(
      {"links_ended",
       {{"of", fmt::format("{}", fmt::join(owners, ", "))},
        {"links", std::to_string(links)},
        {"why", "the keys that let them in are no longer in the folder of keys"}}},
      now);
}

void server::gone(peer whom, instant now) {
  desk_.lost(whom, now);
}

void server::stood_still(instant::duration how_long, instant now) {
  ++counts_.stood_still;
  const auto stood = std::chrono::duration_cast<milliseconds>(how_long);
  log_.write({"stood_still", {{"for_ms", std::to_string(stood.count())}}}, now);
  desk_.end_workers(now);
}

void server::stuck(std::size_t links, instant now) {
  desk_.note_stuck(links, now);
}

void server::crowded(instant now) {
  log_.write(
      {"too_many_connections",
       {{"open_files_max", std::to_string(options_.open_files_max)},
        {"turned_away", std::to_string(loop_.turned_away())},
        {"what",
         "the limit of open files is reached, but for what is kept for workers and operators; "
         "raise "
         "it (`ulimit -Hn`, LimitNOFILE) or have clients share connections"}}},
      now);
}

/// Whether a peer may log in. At the limit of open files, the reserve is for workers, and for the
/// clients of `troupe` itself.
instant server::next_due() const {
  if (drain_.is_to_begin()) {
    return instant{}; // At once.
  }
  return std::min({desk_.next_due(), calls_.next_due(), journal_.next_due(), report_.next_due()});
}

void server::due(instant now) {
  journal_.due(now);
  calls_.due(now);
  desk_.due(now);
  report_.due(now);
  if (drain_.is_requested()) {
    continue_drain(now);
  }
}

void server::request_drain() {
  drain_.request();
  loop_.wake_up();
}

void server::continue_drain(instant now) {
  if (drain_.is_to_begin()) {
    drain_.begin(now);
    calls_.drain();
    log_.write({"draining", {{"calls", std::to_string(calls_.calls().waited_for())}}}, now);
    TROUPE_FAULT("broker.draining");
  }
  if (drain_.is_over(calls_.is_done(), now)) {
    TROUPE_FAULT("broker.before_bye");
    desk_.say_bye();
    loop_.stop();
  }
}

} // namespace troupe::broker
