#include "runtime/transport/listener.hpp"

#include "runtime/transport/socket.hpp"

#include <utility>

namespace troupe::transport {

void listener::listen(
    const std::string& endpoint,
    const std::string& open_endpoint,
    const std::optional<curve_secret_key>& key) {
  // What is bound keeps the options of that moment, each endpoint its own.
  if (key) {
    if (!open_endpoint.empty()) {
      socket_.bind(open_endpoint);
    }
    listen_with_keys(socket_, *key);
    has_key_ = true;
  }
  socket_.bind(endpoint);
  endpoint_ = socket_.get(zmq::sockopt::last_endpoint);
}

void listener::replace_key(const curve_secret_key& key) {
  const std::lock_guard lock{mutex_};
  new_key_ = key;
  has_new_key_.store(true);
}

bool listener::take_new_key() {
  if (has_new_key_.exchange(false)) {
    const std::lock_guard lock{mutex_};
    listen_with_keys(socket_, new_key_);
    if (std::exchange(is_listening_, false)) {
      socket_.unbind(endpoint_);
    }
  }
  if (!is_listening_) {
    // libzmq closes what it listened on in a thread of its own.
    is_listening_ = zmq_bind(socket_.handle(), endpoint_.c_str()) == 0;
  }
  return is_listening_;
}

} // namespace troupe::transport
