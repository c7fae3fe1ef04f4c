#pragma once

#include "runtime/transport/context.hpp"
#include "runtime/transport/socket.hpp"

#include <zmq.hpp>

#include <poll.h>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::transport {

/// A DEALER socket that connects to one broker, its monitor, and the state that the loop's poll
/// needs.
///
/// libzmq's descriptors are edge-triggered: before the loop may block, `may_wait` says whether
/// something has come already. Confined to the loop's thread; closing loses what is queued, except
/// what leaves within `linger`.
class dealer {
public:
  /// @param frame_bytes_max of a received frame; a larger one ends the connection.
  /// @param keys null: the link has none.
  dealer(
      context& zmq,
      const heartbeat_options& heartbeat,
      std::size_t frame_bytes_max,
      const curve_link_keys* keys);

  /// @return why it is impossible to connect to the endpoint; empty if libzmq tries.
  std::string connect(const std::string& endpoint);

  bool send(std::string_view bytes, bool more = false);
  bool receive(zmq::message_t& message);
  /// The next event of the connection. Reports `none` until `note` saw the descriptor readable.
  monitor::event next_news();

  bool may_wait();
  void watch(std::vector<pollfd>& watched) const;

  /// @param places the two entries that `watch` added, after the poll.
  void note(const pollfd* places) { has_news_ = has_news_ || places[1].revents != 0; }

  void linger(int ms) { socket_.set(zmq::sockopt::linger, ms); }

private:
  zmq::socket_t socket_;
  monitor connection_;
  int descriptor_;
  /// Whether there was nothing to receive and nothing was sent since, as a send may consume
  /// libzmq's notice of what came. Then the descriptor signals everything that comes from now on.
  bool is_drained_ = false;
  /// The connection may have come or gone. True until all its events were taken.
  bool has_news_ = true;
};

} // namespace troupe::transport
