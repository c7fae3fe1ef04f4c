#pragma once

#include "runtime/transport/curve_keys.hpp"

#include <zmq.hpp>

#include <atomic>
#include <mutex>
#include <optional>
#include <string>

namespace troupe::transport {

/// Where a broker's socket listens, and with which key.
///
/// Belongs to the socket's thread, but for `replace_key`.
class listener {
public:
  /// @param socket prepared, and not bound; borrowed.
  explicit listener(zmq::socket_t& socket) : socket_{socket} {}

  /// @param open_endpoint for peers without keys, if there is a key; empty for none.
  /// @throws zmq::error_t an endpoint cannot be bound.
  void listen(
      const std::string& endpoint,
      const std::string& open_endpoint,
      const std::optional<curve_secret_key>& key);

  /// The one that was asked for, with the port that the system chose.
  const std::string& endpoint() const { return endpoint_; }

  bool has_key() const { return has_key_; }

  /// Has `take_new_key` listen with another key. From any thread.
  void replace_key(const curve_secret_key& key);

  /// Ends all links and listens with the new key, if there is one.
  /// @return false if the port is still in use by what was ended: to be called again.
  bool take_new_key();

private:
  zmq::socket_t& socket_;
  std::string endpoint_;
  bool has_key_ = false;
  bool is_listening_ = true;
  std::atomic<bool> has_new_key_{false};
  std::mutex mutex_; // Guards `new_key_`.
  curve_secret_key new_key_;
};

} // namespace troupe::transport
