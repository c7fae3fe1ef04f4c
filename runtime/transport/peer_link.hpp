#pragma once

#include "runtime/transport/dealer.hpp"
#include "runtime/transport/link_proof.hpp"
#include "runtime/transport/peer_handler.hpp"
#include "runtime/transport/peer_options.hpp"
#include "runtime/wire/batch.hpp"
#include "runtime/wire/envelope.hpp"

#include <zmq.hpp>

#include <cstdint>
#include <deque>
#include <optional>
#include <string_view>

namespace troupe::transport {

/// One login at one broker, and its DEALER socket.
///
/// A link is down (waits to connect), connecting, logging in (HELLO sent) or up. When the
/// connection breaks, falls silent or accepts no more messages, the socket is closed with all it
/// holds, and a new one logs in. Owned by a peer_loop and confined to its thread; tells the loop's
/// handler what happens.
class peer_link {
public:
  /// @param number the broker's place in `settings`, which is borrowed.
  peer_link(context& zmq, const peer_options& settings, int number);
  peer_link(const peer_link&) = delete;
  peer_link& operator=(const peer_link&) = delete;
  ~peer_link() = default;

  bool is_up() const { return phase_ == phase::up; }

  /// Adds an envelope to the batch, which leaves with `flush` or when it is full. The link is up.
  void append(std::string_view header, std::string_view body);
  /// Sends a batch made elsewhere, after the appended envelopes. The link is up.
  void send_batch(std::string_view frame);

  /// Makes the next `flush` end the link: the broker no longer knows this login.
  void renew() { is_stuck_ = true; }

  /// Hands over received messages, at most 64.
  /// @return how many there were.
  int receive(peer_handler& handler, instant now);
  /// Handles the events of the connection, if there are any.
  void take_news(peer_handler& handler, instant now);
  /// Does what is due: connects, gives up a silent broker, reports progress.
  void tend(peer_handler& handler, instant now);
  /// Sends the batch, and ends a link that accepts no more messages.
  void flush(peer_handler& handler, instant now);

  /// Notes that this thread, or the broker, was stopped or had no CPU since `began`.
  void woke_late(instant began, instant now);
  /// Closes the link at once; it connects again with the next `tend`.
  void drop(std::string_view why, peer_handler& handler, instant now);
  /// Says BYE and closes; the last messages have 2 s to leave.
  void say_goodbye(peer_handler& handler, instant now);

  /// The time at which `tend` has to connect; `instant::max()` unless the link is down.
  instant next_due() const { return phase_ == phase::down ? retry_at_ : instant::max(); }

  /// The socket, for the loop's poll; null while the link is down.
  dealer* socket() { return socket_ ? &*socket_ : nullptr; }

private:
  enum class phase : std::uint8_t { down, connecting, logging_in, up };

  /// A wait that ended late. Messages sent meanwhile may have come at any time during it.
  struct late_wait {
    instant began;
    instant ended;
  };

  void connect(peer_handler& handler, instant now);
  void log_in(peer_handler& handler, instant now);
  /// Ends a link that never came up, and says why.
  void give_up(const error& why, peer_handler& handler, instant now);
  void take_frame(zmq::message_t&& message, peer_handler& handler, instant now);
  void take(
      const wire::envelope_view& envelope,
      const frame_ref& frame,
      peer_handler& handler,
      instant now);
  void take_login_answer(
      const wire::header_view& header, std::string_view body, peer_handler& handler, instant now);
  /// The earliest time at which a message that is read `now` may have come.
  instant arrival(instant now);
  void send(std::string_view bytes);
  void send_open_batch();
  void close(int linger_ms);

  context& zmq_;
  const peer_options& settings_;
  const int number_;
  phase phase_ = phase::down;
  instant retry_at_{};
  instant heard_at_{};
  instant ponged_at_{};
  link_proof proof_;
  /// The silence after which the broker counts as lost: our own setting until WELCOME brings the
  /// broker's.
  milliseconds timeout_;
  std::optional<dealer> socket_;
  wire::batch_writer out_;
  /// A send failed. The link ends with the pass, and not in the middle of a handler's call.
  bool is_stuck_ = false;
  /// Late waits after which the broker has not yet answered a ping, oldest first.
  std::deque<late_wait> late_waits_;
};

} // namespace troupe::transport
