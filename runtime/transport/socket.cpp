#include "runtime/transport/socket.hpp"

#include "runtime/transport/zap_server.hpp"

#include <atomic>
#include <cerrno>
#include <cstring>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>

namespace troupe::transport {

namespace {

// Messages per peer and direction. Credit keeps nodes far below this, and bytes that a client
// leaves unread have their own limit (`unread`). libzmq's default of 1,000 would drop messages in a
// normal burst.
constexpr int send_mark = 100'000;

// No limit: a receiver at its high-water mark with heartbeats enabled can abort the process (libzmq
// issue 3937). The loops always read, and refuse what they have no room for.
constexpr int receive_mark = 0;

// ZMQ_ZAP_ENFORCE_DOMAIN: without a zap_server nobody is admitted. The option is in the library
// since 4.3.0, but belongs to the draft API, so Debian's zmq.h does not declare it. Brokers check
// at start that it has the intended effect.
constexpr int zap_enforce_domain = 93;

void set_bytes(zmq::socket_t& socket, int option, const void* bytes, std::size_t size) {
  if (zmq_setsockopt(socket.handle(), option, bytes, size) != 0) {
    throw zmq::error_t{};
  }
}

} // namespace

sent send_frame(zmq::socket_t& socket, zmq::message_t& frame, bool more) {
  const int flags = ZMQ_DONTWAIT | (more ? ZMQ_SNDMORE : 0);
  for (;;) {
    if (zmq_msg_send(frame.handle(), socket.handle(), flags) >= 0) {
      return sent::queued;
    }
    const int reason = zmq_errno();
    if (reason == EAGAIN) {
      return sent::full;
    }
    if (reason != EINTR) {
      return sent::gone; // EHOSTUNREACH, ETERM, or a closed socket: the message has no receiver.
    }
  }
}

bool receive_frame(zmq::socket_t& socket, zmq::message_t& frame) {
  for (;;) {
    if (zmq_msg_recv(frame.handle(), socket.handle(), ZMQ_DONTWAIT) >= 0) {
      return true;
    }
    if (zmq_errno() != EINTR) {
      return false;
    }
  }
}

bool can_receive(zmq::socket_t& socket) {
  int events = 0;
  std::size_t size = sizeof events;
  if (zmq_getsockopt(socket.handle(), ZMQ_EVENTS, &events, &size) != 0) {
    return zmq_errno() == EINTR; // The state is unknown: the next receive will tell.
  }
  return (events & ZMQ_POLLIN) != 0;
}

int descriptor_of(zmq::socket_t& socket) {
  return socket.get(zmq::sockopt::fd);
}

std::uint64_t bytes_received(int descriptor) {
  tcp_info said{};
  socklen_t size = sizeof said;
  return ::getsockopt(descriptor, IPPROTO_TCP, TCP_INFO, &said, &size) == 0
             ? std::uint64_t{said.tcpi_bytes_received}
             : 0;
}

void listen_without_keys(zmq::socket_t& socket) {
  socket.set(zmq::sockopt::zap_domain, open_domain);
}

void listen_with_keys(zmq::socket_t& socket, const curve_secret_key& key) {
  constexpr int yes = 1;
  socket.set(zmq::sockopt::zap_domain, zap_domain);
  set_bytes(socket, zap_enforce_domain, &yes, sizeof yes);
  socket.set(zmq::sockopt::curve_server, true);
  set_bytes(socket, ZMQ_CURVE_SECRETKEY, key.bytes.data(), key.bytes.size());
}

void connect_with_keys(zmq::socket_t& socket, const curve_link_keys& keys) {
  const auto& own = keys.own;
  set_bytes(socket, ZMQ_CURVE_SERVERKEY, keys.broker.data(), keys.broker.size());
  set_bytes(socket, ZMQ_CURVE_PUBLICKEY, own.public_key.data(), own.public_key.size());
  const auto& secret = own.secret_key.bytes;
  set_bytes(socket, ZMQ_CURVE_SECRETKEY, secret.data(), secret.size());
}

void prepare(
    zmq::socket_t& socket, const heartbeat_options& heartbeat, std::int64_t frame_bytes_max) {
  const auto interval = static_cast<int>(heartbeat.interval.count());
  const auto timeout = static_cast<int>(heartbeat.timeout.count());
  socket.set(zmq::sockopt::linger, 0); // The default is to wait forever.
  socket.set(zmq::sockopt::sndhwm, send_mark);
  socket.set(zmq::sockopt::rcvhwm, receive_mark);
  socket.set(zmq::sockopt::maxmsgsize, frame_bytes_max);
  socket.set(zmq::sockopt::heartbeat_ivl, interval);
  socket.set(zmq::sockopt::heartbeat_timeout, timeout);
  socket.set(zmq::sockopt::heartbeat_ttl, timeout);
  // Closes connections that do not complete the handshake in this time (default: 30 s).
  socket.set(zmq::sockopt::handshake_ivl, 3000);
}

monitor::monitor(zmq::context_t& context, zmq::socket_t& watched)
    : watched_{watched}, socket_{context, zmq::socket_type::pair} {
  static std::atomic<unsigned> count{0}; // Endpoint names are global to the context.
  const std::string endpoint = "inproc://monitor-" + std::to_string(count++);
  socket_.set(zmq::sockopt::linger, 0);
  // libzmq emits events on the thread that serves all connections, and blocks when the queue is
  // full. With a mark (2,000), a crowd that connects and disconnects would stall all traffic, and
  // would deadlock a loop that starts to listen again.
  socket_.set(zmq::sockopt::rcvhwm, 0);
  if (zmq_socket_monitor(
          watched.handle(),
          endpoint.c_str(),
          ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_DISCONNECTED | ZMQ_EVENT_LISTENING
              | ZMQ_EVENT_ACCEPTED | ZMQ_EVENT_ACCEPT_FAILED | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH
              | ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL | ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL)
      != 0) {
    throw zmq::error_t{};
  }
  socket_.connect(endpoint);
  descriptor_ = descriptor_of(socket_);
}

monitor::~monitor() {
  (void)zmq_socket_monitor(watched_.handle(), nullptr, 0);
}

monitor::event monitor::next() {
  zmq::message_t what;
  zmq::message_t endpoint;
  if (!receive_frame(socket_, what)) {
    return event::none;
  }
  if (what.more()) {
    (void)receive_frame(socket_, endpoint);
  }
  // @source zmq_socket_monitor(3): 16 bits of event, 32 of value.
  std::uint16_t number = 0;
  std::int32_t value = -1;
  if (what.size() >= sizeof number + sizeof value) {
    std::memcpy(&number, what.data(), sizeof number);
    std::memcpy(&value, what.data<char>() + sizeof number, sizeof value);
  }
  value_ = value;
  switch (number) {
  case ZMQ_EVENT_HANDSHAKE_SUCCEEDED:
    return event::connected;
  case ZMQ_EVENT_DISCONNECTED:
    return event::disconnected;
  case ZMQ_EVENT_LISTENING:
    return event::listening;
  case ZMQ_EVENT_ACCEPTED:
    return event::accepted;
  case ZMQ_EVENT_ACCEPT_FAILED:
    return event::not_accepted;
  case ZMQ_EVENT_HANDSHAKE_FAILED_AUTH:
    return event::key_refused;
  case ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL:
    return value == ZMQ_PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH ? event::keys_differ
                                                               : event::handshake_ended;
  case ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL:
    return event::handshake_ended;
  default:
    return event::other;
  }
}

} // namespace troupe::transport
