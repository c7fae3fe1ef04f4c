#pragma once

#include "runtime/clock.hpp"
#include "runtime/outcome.hpp"
#include "runtime/transport/context.hpp"
#include "runtime/transport/socket_results.hpp"
#include "runtime/transport/transport_options.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace troupe::transport {

/// A connection to our ROUTER, by the routing id that libzmq made for it. Never shown to anybody.
enum class peer : std::uint32_t {};

/// How a peer wants its messages.
enum class framing : std::uint8_t {
  /// `[header][body]`.
  plain,
  /// `[][header][body]`, as a REQ socket sends.
  delimited,
  /// Many envelopes in one frame; only after HELLO.
  batched,
};

/// What a broker does with what its loop brings. Called on the loop's thread only.
class router_handler {
public:
  router_handler() = default;
  router_handler(const router_handler&) = delete;
  router_handler& operator=(const router_handler&) = delete;
  virtual ~router_handler() = default;

  /// One envelope; the views end with the call.
  virtual void
  received(peer from, framing how, std::string_view header, std::string_view body, instant now) = 0;
  /// A message that is none: wrong frames, lengths that do not fit.
  virtual void malformed(peer from, framing how, std::string_view why, instant now) = 0;
  /// Some connection ended; which one is known only by trying (RELIABILITY 4.1).
  virtual void link_closed(instant now) = 0;
  /// A batch could not be delivered: the peer is gone.
  virtual void gone(peer whom, instant now) = 0;
  /// The process stood still for so long that its peers gave it up; what it had received was
  /// dropped.
  virtual void stood_still(instant::duration how_long, instant now) = 0;
  /// When `due` wants to be called next.
  virtual instant next_due() const = 0;
  virtual void due(instant now) = 0;
};

/// The broker's socket: a ROUTER, its monitor and the loop around them.
///
/// `run` owns the thread it is called on; all members but `stop` belong to that thread.
class router_loop {
public:
  struct options {
    std::string endpoint;
    heartbeat_options heartbeat;
    std::size_t body_bytes_max;
  };

  /// @errors `unavailable`: the endpoint cannot be bound, and why.
  static outcome<std::unique_ptr<router_loop>>
  bind(context& zmq, const clock& clock, const options& settings);

  ~router_loop();
  router_loop(const router_loop&) = delete;
  router_loop& operator=(const router_loop&) = delete;

  /// Sends at once.
  sent send(peer to, framing how, std::string_view header, std::string_view body);

  /// Where it listens: what was asked for, with the port that the system chose for `:*`.
  std::string endpoint() const;

  /// Opens the batch towards a peer that said HELLO; what is appended leaves when the turn ends, or
  /// when the frame is large enough. What cannot leave is reported by `gone` when the turn ends.
  std::uint32_t open_batch(peer to);
  void append(std::uint32_t batch, std::string_view header, std::string_view body);
  /// Forgets the batch and what is still in it.
  void close_batch(std::uint32_t batch);

  /// Runs until `stop`. What was sent before has 300 ms to leave once this object ends.
  void run(router_handler& handler);

  /// From any thread or from a handler.
  void stop();

  /// Has the loop call `due` soon. From any thread.
  void wake_up();

private:
  struct state;
  explicit router_loop(std::unique_ptr<state> made);

  std::unique_ptr<state> state_;
};

} // namespace troupe::transport
