#include "runtime/transport/peer_loop.hpp"

#include "runtime/transport/socket.hpp"
#include "runtime/wire/batch.hpp"
#include "runtime/wire/envelope.hpp"

#include <fmt/format.h>
#include <zmq.hpp>

#include <algorithm>
#include <atomic>
#include <deque>
#include <optional>

namespace troupe::transport {

namespace {

constexpr int messages_per_turn_max = 64; // Batches, mostly.
constexpr int turns_between_polls = 16;
// libzmq adds up to as much again at random, so that a restarted broker is not met by all at once.
constexpr int reconnect_first_ms = 10;
constexpr int reconnect_most_ms = 500;
// A refused login is worth another try only after a while.
constexpr milliseconds login_backoff_min{50};
constexpr milliseconds login_backoff_max{1000};
// How long BYE and the last replies may take to leave.
constexpr int linger_at_stop_ms = 300;

std::string_view view(const zmq::message_t& frame) {
  return {static_cast<const char*>(frame.data()), frame.size()};
}

} // namespace

struct peer_loop::link {
  enum class phase : std::uint8_t {
    /// No socket; waits for `retry_at`.
    down,
    /// libzmq is connecting.
    connecting,
    /// HELLO has been sent.
    logging_in,
    up,
  };

  std::string endpoint;
  phase phase = phase::down;
  instant retry_at{};
  instant heard_at{};
  instant ponged_at{};
  milliseconds backoff = login_backoff_min;
  milliseconds timeout{800};
  std::optional<zmq::socket_t> socket;
  std::optional<monitor> connection;
  wire::batch_writer out;
};

struct peer_loop::state {
  state(context& process, const clock& clock, peer_loop::options given, wake& commands)
      : zmq{process}, time{clock}, settings{std::move(given)}, outbox{commands} {
    for (const std::string& endpoint : settings.brokers) {
      links.emplace_back().endpoint = endpoint;
    }
  }

  void connect(link& link, instant now);
  void close(link& link, int linger_ms);
  void drop(int index, std::string_view why, peer_handler& handler, instant now);
  void log_in(int index, peer_handler& handler, instant now);
  void watch(int index, peer_handler& handler, instant now);
  int receive(int index, peer_handler& handler, instant now);
  void take_frame(int index, zmq::message_t&& message, peer_handler& handler, instant now);
  void take(
      int index, const wire::envelope_view& envelope, const frame_ref& frame,
      peer_handler& handler, instant now);
  void report_progress(link& link, peer_handler& handler, instant now);
  void login_answer(
      int index, const wire::header_view& header, std::string_view body, peer_handler& handler,
      instant now);
  void timers(peer_handler& handler, instant now);
  void flush(peer_handler& handler, instant now);
  bool send(link& link, std::string_view bytes);
  instant next_due(const peer_handler& handler, instant now) const;
  bool wait(instant until);

  context& zmq;
  const clock& time;
  peer_loop::options settings;
  wake& outbox;
  wake stop_waker;
  std::atomic<bool> stopping{false};
  std::deque<link> links; // Links do not move: they own sockets.
};

void peer_loop::state::connect(link& link, instant now) {
  link.socket.emplace(zmq.zmq(), zmq::socket_type::dealer);
  prepare(
      *link.socket, settings.heartbeat,
      static_cast<std::int64_t>(
          settings.body_bytes_max + wire::header_bytes_max + wire::frame_slack_bytes));
  // Nothing is queued for a broker that is not there: it would be delivered minutes later.
  link.socket->set(zmq::sockopt::immediate, true);
  link.socket->set(zmq::sockopt::reconnect_ivl, reconnect_first_ms);
  link.socket->set(zmq::sockopt::reconnect_ivl_max, reconnect_most_ms);
  link.connection.emplace(zmq.zmq(), *link.socket);
  link.socket->connect(link.endpoint);
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
  link.phase = link::phase::down;
}

void peer_loop::state::drop(
    int index, std::string_view why, peer_handler& handler, instant now) {
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
    if (!receive_frame(*link.socket, message)) {
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
  const auto kept = std::make_shared<zmq::message_t>(std::move(message));
  const std::string_view bytes = view(*kept);
  wire::envelope_view envelope;
  if (wire::batch_reader::is_batch(bytes)) {
    wire::batch_reader envelopes{bytes};
    while (envelopes.next(envelope)) {
      take(index, envelope, kept, handler, now);
    }
  } else {
    envelope.header = bytes;
    zmq::message_t second;
    zmq::message_t surplus;
    if (kept->more() && link.socket && receive_frame(*link.socket, second)) {
      for (bool more = second.more(); more && receive_frame(*link.socket, surplus);) {
        more = surplus.more();
      }
    }
    envelope.body = view(second);
    // Broker to node is batched but for the login and pings, whose bodies nobody keeps.
    take(index, envelope, kept, handler, now);
  }
  handler.frame_done(now);
}

void peer_loop::state::take(
    int index, const wire::envelope_view& envelope, const frame_ref& frame,
    peer_handler& handler, instant now) {
  link& link = links[static_cast<std::size_t>(index)];
  if (link.phase == link::phase::up) {
    return handler.received(index, envelope.header, envelope.body, frame, now);
  }
  if (const auto header = wire::scan_header(envelope.header)) {
    login_answer(index, *header, envelope.body, handler, now);
  }
}

void peer_loop::state::login_answer(
    int index, const wire::header_view& header, std::string_view body, peer_handler& handler,
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
    link.backoff = login_backoff_min;
    link.timeout = milliseconds{welcome->timeout_ms};
    handler.welcomed(index, *welcome, now);
  } else if (header.kind == wire::kind::reply && header.status == wire::status::error) {
    const auto why = wire::read_error(header.error);
    close(link, 0);
    link.retry_at = now + link.backoff;
    link.backoff = std::min(2 * link.backoff, login_backoff_max);
    handler.refused(index, why ? *why : internal_error("the login was refused"), now);
  }
}

void peer_loop::state::report_progress(link& link, peer_handler& handler, instant now) {
  if (now - link.ponged_at < settings.heartbeat.interval) {
    return;
  }
  link.ponged_at = now;
  std::string header;
  wire::append_plain_header(header, wire::kind::pong);
  link.out.append(header, wire::encoded(handler.progress(now)));
}

void peer_loop::state::timers(peer_handler& handler, instant now) {
  for (std::size_t i = 0; i < links.size(); ++i) {
    link& link = links[i];
    const int index = static_cast<int>(i);
    if (link.phase == link::phase::down && link.retry_at <= now) {
      connect(link, now);
    } else if (link.phase == link::phase::logging_in && now - link.heard_at > link.timeout) {
      drop(index, "no answer to HELLO", handler, now);
    } else if (link.phase == link::phase::up) {
      if (now - link.heard_at > link.timeout) {
        drop(index, "the broker fell silent", handler, now);
      } else {
        report_progress(link, handler, now);
      }
    }
  }
  if (handler.next_due() <= now) {
    handler.due(now);
  }
}

bool peer_loop::state::send(link& link, std::string_view bytes) {
  zmq::message_t frame{bytes.data(), bytes.size()};
  return send_frame(*link.socket, frame, false) == sent::queued;
}

void peer_loop::state::flush(peer_handler& handler, instant now) {
  for (std::size_t i = 0; i < links.size(); ++i) {
    link& link = links[i];
    if (link.phase != link::phase::up || link.out.empty()) {
      continue;
    }
    zmq::message_t frame{link.out.frame().data(), link.out.frame().size()};
    const bool queued = send_frame(*link.socket, frame, false) == sent::queued;
    link.out.clear();
    if (!queued) {
      drop(static_cast<int>(i), "the connection takes nothing more", handler, now);
    }
  }
}

instant peer_loop::state::next_due(const peer_handler& handler, instant now) const {
  instant due = std::min(handler.next_due(), now + settings.heartbeat.interval);
  for (const link& link : links) {
    if (link.phase == link::phase::down) {
      due = std::min(due, link.retry_at);
    }
  }
  return due;
}

bool peer_loop::state::wait(instant until) {
  std::vector<zmq::pollitem_t> watched;
  watched.push_back({nullptr, outbox.fd(), ZMQ_POLLIN, 0});
  watched.push_back({nullptr, stop_waker.fd(), ZMQ_POLLIN, 0});
  for (link& link : links) {
    if (link.socket) {
      watched.push_back({link.socket->handle(), 0, ZMQ_POLLIN, 0});
      watched.push_back({link.connection->socket().handle(), 0, ZMQ_POLLIN, 0});
    }
  }
  const auto left = std::chrono::ceil<milliseconds>(until - time.now());
  (void)zmq_poll(
      watched.data(), static_cast<int>(watched.size()),
      static_cast<long>(std::max<std::int64_t>(0, left.count())));
  return (watched[0].revents & ZMQ_POLLIN) != 0;
}

peer_loop::peer_loop(context& zmq, const clock& clock, options settings, wake& outbox)
    : state_{std::make_unique<state>(zmq, clock, std::move(settings), outbox)} {}

peer_loop::~peer_loop() = default;

int peer_loop::links() const {
  return static_cast<int>(state_->links.size());
}

bool peer_loop::is_up(int number) const {
  return state_->links[static_cast<std::size_t>(number)].phase == link::phase::up;
}

void peer_loop::append(int number, std::string_view header, std::string_view body) {
  if (is_up(number)) {
    state_->links[static_cast<std::size_t>(number)].out.append(header, body);
  }
}

bool peer_loop::send_batch(int number, std::string_view frame) {
  return is_up(number)
         && state_->send(state_->links[static_cast<std::size_t>(number)], frame);
}

void peer_loop::run(peer_handler& handler) {
  state& self = *state_;
  int turns_without_poll = 0;
  instant now = self.time.now();
  while (!self.stopping.load(std::memory_order_relaxed)) {
    int messages = 0;
    for (int i = 0; i < links(); ++i) {
      messages += self.receive(i, handler, now);
    }
    self.timers(handler, now);
    self.flush(handler, now);
    bool rang = false;
    if (messages == 0 || ++turns_without_poll == turns_between_polls) {
      turns_without_poll = 0;
      const instant due = self.next_due(handler, now);
      rang = self.wait(messages == 0 ? due : now);
      const instant woke = self.time.now();
      for (int i = 0; i < links(); ++i) {
        // The loop wakes at every heartbeat: a gap this long means the process was stopped, and
        // what waits for it here was meant for somebody who has been given up.
        if (woke - std::max(due, now) > self.settings.heartbeat.timeout) {
          self.drop(i, "this process stood still", handler, woke);
        }
        self.watch(i, handler, woke);
      }
    }
    now = self.time.now();
    if (rang || messages > 0) {
      handler.commands(now);
      self.flush(handler, now);
    }
  }
  std::string bye;
  wire::append_plain_header(bye, wire::kind::bye);
  for (int i = 0; i < links(); ++i) {
    append(i, bye, {});
  }
  self.flush(handler, self.time.now());
  for (link& each : self.links) {
    self.close(each, linger_at_stop_ms);
  }
}

void peer_loop::stop() {
  state_->stopping.store(true, std::memory_order_relaxed);
  state_->stop_waker.ring();
}

} // namespace troupe::transport
