#pragma once

#include "runtime/transport/curve_keys.hpp"
#include "runtime/transport/socket_results.hpp"
#include "runtime/transport/transport_options.hpp"

#include <zmq.hpp>

#include <cstdint>
#include <string_view>

namespace troupe::transport {

/// The time that the last frames, such as BYE and answers, have to leave a closed socket: on a busy
/// machine libzmq's thread may wait for a CPU for longer than they take.
constexpr int linger_at_stop_ms = 2'000;

/// The bytes of a frame, which owns them.
inline std::string_view view(const zmq::message_t& frame) {
  return {static_cast<const char*>(frame.data()), frame.size()};
}

/// Sends one frame without blocking. @param more whether further frames of the message follow.
sent send_frame(zmq::socket_t& socket, zmq::message_t& frame, bool more);

/// Receives one frame if there is one.
bool receive_frame(zmq::socket_t& socket, zmq::message_t& frame);

/// Whether there is a message to receive: call it after the last send and before waiting for
/// `descriptor_of`, which becomes readable when something happens, not while something is there.
/// @source libzmq 4.3.4, zmq_getsockopt(3), ZMQ_FD.
///
/// zmq_poll would do, but asks each socket twice and polls twice: six system calls for each socket
/// and wait.
bool can_receive(zmq::socket_t& socket);

/// The descriptor for poll(2), together with others.
int descriptor_of(zmq::socket_t& socket);

/// How many bytes the system has received over a connection; 0 if it does not say.
std::uint64_t bytes_received(int descriptor);

/// Makes endpoints bound from now on ask the context's zap_server, if there is one, which removes
/// the routing id of each connection.
void listen_without_keys(zmq::socket_t& socket);

/// Makes endpoints bound from now on accept only peers whose key the context's zap_server knows.
void listen_with_keys(zmq::socket_t& socket, const curve_secret_key& key);

/// Uses these keys for connections made from now on.
void connect_with_keys(zmq::socket_t& socket, const curve_link_keys& keys);

/// Sets what must be set by hand on every socket, before bind or connect.
void prepare(
    zmq::socket_t& socket, const heartbeat_options& heartbeat, std::int64_t frame_bytes_max);

/// The events of a socket's connections, by libzmq's socket monitor.
///
/// Confined to the loop of the socket it watches, and destroyed before it.
class monitor {
public:
  enum class event : std::uint8_t {
    none,
    connected,
    disconnected,
    listening,
    accepted,
    not_accepted,
    /// The other side does not know the key of this one, which connects.
    key_refused,
    /// One side has keys and the other has none; reported to the one that connects.
    keys_differ,
    /// The connection ended before the handshake was complete; with keys, the other side may have
    /// another key than expected.
    handshake_ended,
    other,
  };

  monitor(zmq::context_t& context, zmq::socket_t& watched);
  ~monitor();
  monitor(const monitor&) = delete;
  monitor& operator=(const monitor&) = delete;

  /// The next event, or `none`.
  event next();

  /// The descriptor of the last event: one that listens, was accepted or has been closed.
  int value() const { return value_; }

  /// Readable when there may be events, once those before have been taken up to `none`.
  int descriptor() const { return descriptor_; }

private:
  zmq::socket_t& watched_;
  zmq::socket_t socket_;
  int descriptor_ = -1;
  int value_ = -1;
};

} // namespace troupe::transport
