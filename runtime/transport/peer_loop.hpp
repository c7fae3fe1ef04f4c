#pragma once

#include "runtime/clock.hpp"
#include "runtime/transport/context.hpp"
#include "runtime/transport/peer_handler.hpp"
#include "runtime/transport/peer_options.hpp"
#include "runtime/transport/wake.hpp"

#include <memory>
#include <string_view>

namespace troupe::transport {

/// The sockets of a worker or client: a DEALER for each broker, and the loop around them.
///
/// A link is a login: when the connection breaks or falls silent, or the process was stopped, the
/// socket is closed with all it holds and a new one logs in. `run` owns the thread it is called on;
/// all members but `stop` belong to that thread.
class peer_loop {
public:
  /// @param inlet rung by other threads when there are commands.
  peer_loop(context& zmq, const clock& clock, peer_options settings, wake& inlet);
  ~peer_loop();
  peer_loop(const peer_loop&) = delete;
  peer_loop& operator=(const peer_loop&) = delete;

  int links() const;
  bool is_up(int number) const;

  /// Adds an envelope to the batch of link `number`, which leaves when the pass ends or the batch
  /// is full. Ignored if the link is not up.
  void append(int number, std::string_view header, std::string_view body);
  /// Sends a batch frame made elsewhere, at once. False, with nothing sent, if the link is not up.
  bool send_batch(int number, std::string_view frame);

  /// Ends link `number` when the pass ends, and logs in again: the broker no longer knows this
  /// login.
  void renew(int number);

  void run(peer_handler& handler);

  /// Sends what is queued, says BYE, closes the links and ends `run`. From any thread or a handler.
  void stop();

private:
  struct state;

  std::unique_ptr<state> state_;
};

} // namespace troupe::transport
