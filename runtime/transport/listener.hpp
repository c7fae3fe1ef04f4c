#pragma once

#include "runtime/outcome.hpp"
#include "runtime/transport/curve_keys.hpp"

#include <zmq.hpp>

#include <atomic>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace troupe::transport {

/// The endpoints at which a broker's socket listens, and their key.
///
/// Belongs to the socket's thread, except `replace_key`.
class listener {
public:
  /// @param socket prepared but not bound; borrowed.
  explicit listener(zmq::socket_t& socket) : socket_{socket} {}

  listener(const listener&) = delete;
  listener& operator=(const listener&) = delete;
  ~listener();

  /// @param open_endpoint for peers without keys, if there is a key; empty for none.
  /// @throws zmq::error_t an endpoint cannot be bound.
  void listen(
      const std::string& endpoint,
      const std::string& open_endpoint,
      const std::optional<curve_secret_key>& key);

  /// The requested endpoint, with the port that the system chose.
  const std::string& endpoint() const { return endpoint_; }

  bool has_key() const { return has_key_; }

  /// Notes the descriptor that listens: that of the last endpoint bound.
  void listens(int descriptor) { descriptor_.store(descriptor); }

  /// Listens with another key in addition to the earlier ones. The system gives all new connections
  /// to the new one, and `take_new_keys` makes libzmq accept them. Existing connections are kept.
  ///
  /// libzmq closes the connections of an endpoint with that endpoint, so each earlier endpoint
  /// keeps a descriptor until the process ends. From any thread.
  /// @errors `unavailable`: the system refuses it, with the reason; nothing changed.
  /// @source socket(7), SO_ATTACH_REUSEPORT_CBPF.
  outcome<void> replace_key(const curve_secret_key& key);

  /// Makes libzmq accept the connections to the new keys, if there are any.
  void take_new_keys();

private:
  struct successor {
    curve_secret_key key;
    int descriptor;
  };

  zmq::socket_t& socket_;
  std::string endpoint_;
  bool has_key_ = false;
  std::atomic<int> descriptor_{-1};
  std::atomic<bool> has_successors_{false};
  std::mutex mutex_; // Guards what follows.
  std::vector<successor> successors_;
  unsigned replaced_ = 0;
};

} // namespace troupe::transport
