#include "runtime/backoff.hpp"
#include "runtime/transport/peer_loop_state.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace troupe::transport {

namespace {

constexpr int messages_per_turn_max = 64; // Batches, mostly.
// libzmq adds up to as much again at random, so that a restarted broker is not met by all at once.
constexpr int reconnect_first_ms = 10;
constexpr int reconnect_most_ms = 500;
// A refused login is worth another try only after a while.
constexpr milliseconds login_backoff_first{50};
constexpr milliseconds login_backoff_max{1000};
// An endpoint that libzmq does not accept will hardly become one.
constexpr milliseconds unusable_retry{5000};

std::string_view view(const zmq::message_t& frame) {
  return {static_cast<const char*>(frame.data()), frame.size()};
}

/// What a `frame_ref` keeps: a batch, or header and body.
struct kept_message {
  zmq::message_t first;
  zmq::message_t second;
};

} // namespace

void peer_loop::state::connect(int index, peer_handler& handler, instant now) {
  link& link = links[static_cast<std::size_t>(index)];
  link.socket.emplace(zmq.zmq(), zmq::socket_type::dealer);
  prepare(
      *link.socket,
      settings.heartbeat,
      static_cast<std::int64_t>(wire::frame_bytes_max(settings.body_bytes_max)));
  // Nothing is queued for a broker that is not there: it would be delivered minutes later.
  link.socket->set(zmq::sockopt::immediate, true);
  link.socket->set(zmq::sockopt::reconnect_ivl, reconnect_first_ms);
  link.socket->set(zmq::sockopt::reconnect_ivl_max, reconnect_most_ms);
  link.connection.emplace(zmq.zmq(), *link.socket);
  link.descriptor = descriptor_of(*link.socket);
  link.has_news = true;
  link.drained = false;
  if (zmq_connect(link.socket->handle(), link.endpoint.c_str()) != 0) {
    const std::string why = zmq_strerror(zmq_errno());
    close(link, 0);
    link.retry_at = now + unusable_retry;
    return handler.refused(
        index,
        {.code = errc::unavailable,
         .message = fmt::format("cannot connect to {}: {}; fix the endpoint", link.endpoint, why)},
        now);
  }
  link.phase = link::phase::connecting;
  link.heard_at = now;
}

void peer_loop::state::close(link& link, int linger_ms) {
  link.connection.reset();
  if (link.socket) {
    link.socket->set(zmq::sockopt::linger, linger_ms);
    link.socket.reset();
  }
  link.out.clear();
  link.is_stuck = false;
  link.late_waits.clear();
  link.phase = link::phase::down;
}

void peer_loop::state::drop(int index, std::string_view why, peer_handler& handler, instant now) {
  link& link = links[static_cast<std::size_t>(index)];
  const bool was_up = link.phase == link::phase::up;
  close(link, 0);
  link.retry_at = now;
  if (was_up) {
    handler.lost(index, why, now);
  }
}

void peer_loop::state::log_in(int index, peer_handler& handler, instant now) {
  link& link = links[static_cast<std::size_t>(index)];
  std::string header;
  wire::append_plain_header(header, wire::kind::hello);
  const std::string body = wire::encoded(handler.hello(index));
  zmq::message_t first{header.data(), header.size()};
  zmq::message_t second{body.data(), body.size()};
  link.drained = false;
  if (send_frame(*link.socket, first, true) != sent::queued
      || send_frame(*link.socket, second, false) != sent::queued) {
    return drop(index, "the connection ended before HELLO", handler, now);
  }
  link.phase = link::phase::logging_in;
  link.heard_at = now;
}

void peer_loop::state::watch(int index, peer_handler& handler, instant now) {
  link& link = links[static_cast<std::size_t>(index)];
  while (link.connection) {
    switch (link.connection->next()) {
    case monitor::event::none:
      return;
    case monitor::event::connected:
      if (link.phase == link::phase::connecting) {
        log_in(index, handler, now);
      }
      break;
    case monitor::event::disconnected:
      if (link.phase != link::phase::connecting) {
        return drop(index, "the connection was closed", handler, now);
      }
      break;
    case monitor::event::other:
      break;
    }
  }
}

int peer_loop::state::receive(int index, peer_handler& handler, instant now) {
  link& link = links[static_cast<std::size_t>(index)];
  int messages = 0;
  while (link.socket && messages < messages_per_turn_max) {
    zmq::message_t message;
    link.drained = !receive_frame(*link.socket, message);
    if (link.drained) {
      break;
    }
    ++messages;
    link.heard_at = now;
    take_frame(index, std::move(message), handler, now);
  }
  return messages;
}

void peer_loop::state::take_frame(
    int index, zmq::message_t&& message, peer_handler& handler, instant now) {
  link& link = links[static_cast<std::size_t>(index)];
  const auto kept = std::make_shared<kept_message>();
  kept->first = std::move(message);
  // All frames of a message are there when the first one is.
  bool more = kept->first.more();
  if (more && receive_frame(*link.socket, kept->second)) {
    zmq::message_t surplus;
    for (more = kept->second.more(); more && receive_frame(*link.socket, surplus);) {
      more = surplus.more();
    }
  }
  const std::string_view bytes = view(kept->first);
  wire::envelope_view envelope{bytes, view(kept->second)};
  if (wire::batch_reader::is_batch(bytes)) {
    wire::batch_reader envelopes{bytes};
    while (envelopes.next(envelope)) {
      take(index, envelope, kept, handler, now);
    }
  } else {
    take(index, envelope, kept, handler, now);
  }
  handler.frame_done(now);
}

void peer_loop::state::take(
    int index,
    const wire::envelope_view& envelope,
    const frame_ref& frame,
    peer_handler& handler,
    instant now) {
  link& link = links[static_cast<std::size_t>(index)];
  if (link.phase == link::phase::up) {
    const instant came = link.late_waits.empty() ? now : arrival(link, now);
    handler.received(index, envelope.header, envelope.body, frame, came);
    if (!link.late_waits.empty()) {
      const auto header = wire::scan_header(envelope.header);
      if (header && header->kind == wire::kind::pong) {
        link.late_waits.pop_front();
      }
    }
    return;
  }
  if (const auto header = wire::scan_header(envelope.header)) {
    login_answer(index, *header, envelope.body, handler, now);
  }
}

void peer_loop::state::login_answer(
    int index,
    const wire::header_view& header,
    std::string_view body,
    peer_handler& handler,
    instant now) {
  link& link = links[static_cast<std::size_t>(index)];
  if (link.phase != link::phase::logging_in) {
    return;
  }
  if (header.kind == wire::kind::welcome) {
    const auto welcome = wire::checked_decode<wire::welcome>(body);
    if (!welcome) {
      return;
    }
    link.phase = link::phase::up;
    link.refusals = 0;
    // A timeout below what the broker's own pings need would end every link at once.
    link.timeout = std::max(settings.heartbeat.interval, milliseconds{welcome->timeout_ms});
    link.ponged_at = now;
    handler.welcomed(index, *welcome, now);
  } else if (header.kind == wire::kind::reply && header.status == wire::status::error) {
    const auto why = wire::read_error(header.error);
    close(link, 0);
    link.retry_at = now + backoff_after(++link.refusals, login_backoff_first, login_backoff_max);
    handler.refused(index, why ? *why : internal_error("the login was refused"), now);
  }
}

} // namespace troupe::transport
