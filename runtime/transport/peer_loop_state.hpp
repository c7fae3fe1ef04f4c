#pragma once

#include "runtime/transport/peer_loop.hpp"
#include "runtime/transport/socket.hpp"
#include "runtime/wire/batch.hpp"
#include "runtime/wire/envelope.hpp"

#include <zmq.hpp>

#include <atomic>
#include <deque>
#include <optional>
#include <poll.h>
#include <vector>

namespace troupe::transport {

/// The broker side of a peer: one login and the socket it goes over. For the sources of peer_loop.
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
  /// Logins refused in a row.
  std::uint64_t refusals = 0;
  /// Silence after which the broker counts as lost: its own figure, once it said it.
  milliseconds timeout{};
  std::optional<zmq::socket_t> socket;
  std::optional<monitor> connection;
  /// The socket's.
  int descriptor = -1;
  /// There was nothing to receive and nothing was sent since, which may take libzmq's notice of
  /// what came: the descriptor tells of all that comes now.
  bool drained = false;
  /// The connection may have come or gone: true until its events were taken up to the last.
  bool has_news = false;
  wire::batch_writer out;
  /// A send failed: the link is dropped when the turn ends, not under the feet of who sent.
  bool is_stuck = false;

  /// A wait that ended late. What the broker sent meanwhile may have come at any time of it.
  struct late_wait {
    instant began;
    instant ended;
  };

  /// Those after which the broker has not yet answered a ping, oldest first.
  std::deque<late_wait> late_waits;
};

struct peer_loop::state {
  state(context& process, const clock& clock, peer_loop::options given, wake& commands)
      : zmq{process}, time{clock}, settings{std::move(given)}, inlet{commands} {
    for (const std::string& endpoint : settings.brokers) {
      link& added = links.emplace_back();
      added.endpoint = endpoint;
      added.timeout = settings.heartbeat.timeout;
    }
  }

  void connect(int index, peer_handler& handler, instant now);
  void send(link& link, std::string_view bytes);
  void close_batch(link& link);
  void close(link& link, int linger_ms);
  void drop(int index, std::string_view why, peer_handler& handler, instant now);
  void log_in(int index, peer_handler& handler, instant now);
  void watch(int index, peer_handler& handler, instant now);
  int receive(int index, peer_handler& handler, instant now);
  void take_frame(int index, zmq::message_t&& message, peer_handler& handler, instant now);
  void take(
      int index,
      const wire::envelope_view& envelope,
      const frame_ref& frame,
      peer_handler& handler,
      instant now);
  void report_progress(link& link, peer_handler& handler, instant now);
  void woke_late(instant began, instant now);
  instant arrival(link& link, instant now) const;
  void login_answer(
      int index,
      const wire::header_view& header,
      std::string_view body,
      peer_handler& handler,
      instant now);
  void timers(peer_handler& handler, instant now);
  void flush(peer_handler& handler, instant now);
  instant next_due(const peer_handler& handler, instant now) const;
  bool wait(instant until);
  void say_goodbye(peer_handler& handler);

  context& zmq;
  const clock& time;
  peer_loop::options settings;
  wake& inlet;
  wake stop_waker;
  std::atomic<bool> stopping{false};
  std::deque<link> links;      // Links do not move: they own sockets.
  std::vector<pollfd> watched; // Reused by every wait.
};

} // namespace troupe::transport
