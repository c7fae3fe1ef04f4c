#include "runtime/transport/key_watch.hpp"

#include "runtime/transport/zap_server.hpp"

#include <sys/socket.h>

namespace troupe::transport {

namespace {

/// Shuts the connection down; libzmq then closes it. If the descriptor has been reused meanwhile,
/// the wrong connection is cut, and its peer reconnects.
void cut(int descriptor) {
  (void)::shutdown(descriptor, SHUT_RDWR);
}

} // namespace

bool key_watch::takes_first(peer from, zmq::message_t& frame) {
  const int connection = zmq_msg_get(frame.handle(), ZMQ_SRCFD);
  const char* const text = zmq_msg_gets(frame.handle(), key_property);
  const auto key = text == nullptr ? std::nullopt : key_of_z85(text);
  if (key && !is_valid_(*key)) {
    cut(connection);
    return false;
  }
  const char* const owner = zmq_msg_gets(frame.handle(), "User-Id");
  links_.add(from, connection, owner == nullptr ? "" : owner, key);
  return true;
}

keyed_links::taken key_watch::end_expired() {
  auto expired = links_.take_invalid(is_valid_);
  for (const int each : expired.descriptors) {
    cut(each);
  }
  return expired;
}

} // namespace troupe::transport
