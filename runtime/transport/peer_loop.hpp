#pragma once

#include "runtime/clock.hpp"
#include "runtime/outcome.hpp"
#include "runtime/transport/context.hpp"
#include "runtime/transport/transport_options.hpp"
#include "runtime/transport/wake.hpp"
#include "runtime/wire/login.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::transport {

/// A received frame, kept alive by whoever still looks into it.
using frame_ref = std::shared_ptr<const void>;

/// What a worker or client does with what its loop brings. Called on the loop's thread only; links
/// are numbered as their brokers in the options.
class peer_handler {
public:
  peer_handler() = default;
  peer_handler(const peer_handler&) = delete;
  peer_handler& operator=(const peer_handler&) = delete;
  virtual ~peer_handler() = default;

  /// A connection stands: what to say in HELLO.
  virtual wire::hello hello(int link) = 0;
  /// The broker took the login: the link is up.
  virtual void welcomed(int link, const wire::welcome& welcome, instant now) = 0;
  /// The broker refused it. The loop tries again later, with back-off.
  virtual void refused(int link, const error& why, instant now) = 0;
  /// A link that was up no longer is; what was sent on it may be lost.
  virtual void lost(int link, std::string_view why, instant now) = 0;
  /// One envelope on a link that is up. The views live as long as `frame`.
  ///
  /// @param now when it came; if the process stood still and nobody knows, when that began.
  virtual void received(
      int link,
      std::string_view header,
      std::string_view body,
      const frame_ref& frame,
      instant now) = 0;
  /// All envelopes of a frame have been handed over.
  virtual void frame_done(instant now) = 0;
  /// What the inlet says: it rang.
  virtual void commands(instant now) = 0;
  /// What the loop reports to each broker at every heartbeat.
  virtual wire::pong progress(instant now) = 0;
  virtual instant next_due() const = 0;
  virtual void due(instant now) = 0;
};

/// The sockets of a worker or client: a DEALER for each broker, and the loop around them.
///
/// A link is a login: when the connection breaks, falls silent or the process stood still, the
/// socket is closed with all it holds and a new one logs in. `run` owns the thread it is called on;
/// all members but `stop` belong to that thread.
class peer_loop {
public:
  struct options {
    std::vector<std::string> brokers;
    heartbeat_options heartbeat;
    std::size_t body_bytes_max;
  };

  /// @param inlet rung by other threads when there are commands.
  peer_loop(context& zmq, const clock& clock, options settings, wake& inlet);
  ~peer_loop();
  peer_loop(const peer_loop&) = delete;
  peer_loop& operator=(const peer_loop&) = delete;

  int links() const;
  bool is_up(int number) const;

  /// Adds an envelope to what leaves on link `number` when the turn ends, or sooner if the batch is
  /// full. Ignored if the link is not up.
  void append(int number, std::string_view header, std::string_view body);
  /// Sends a whole batch frame, made elsewhere, at once. False if the link is not up: nothing was
  /// sent.
  bool send_batch(int number, std::string_view frame);

  /// Ends link `number` with the turn and logs in anew: the broker no longer knows this login.
  void renew(int number);

  void run(peer_handler& handler);

  /// Sends what is queued, says BYE, closes the links and ends `run`. From any thread or a handler.
  void stop();

private:
  struct link;
  struct state;

  std::unique_ptr<state> state_;
};

} // namespace troupe::transport
