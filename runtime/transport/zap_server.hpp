#pragma once

#include "runtime/outcome.hpp"
#include "runtime/transport/context.hpp"
#include "runtime/transport/curve_keys.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace troupe::transport {

/// The domain of every secured socket: without one libzmq asks nobody and accepts everybody.
inline constexpr const char* zap_domain = "troupe";
/// The domain of links without keys.
inline constexpr const char* open_domain = "troupe.open";

/// The property of messages that has the public key of their connection, as 40 characters of Z85.
inline constexpr const char* key_property = "X-Public-Key";

/// The owner of a public key; empty if there is none. Called on the thread of the zap_server.
using key_owner = std::function<std::string(const curve_public_key& key)>;

/// Called for each refused connection, with its address and the reason. On the same thread.
using key_refusal = std::function<void(const std::string& address, const std::string& why)>;

/// Decides who may connect: answers libzmq's request at each handshake of this context's secured
/// sockets with the owner of the key, who is the user of the connection from then on.
///
/// Also removes the routing ids that peers have chosen for their connections, with and without
/// keys: of two connections with one routing id libzmq reads only the first, and keeps forever what
/// the other one sends. Therefore it answers after 2 ms; without keys, a peer that sends its
/// routing id later than that keeps it.
///
/// Has a thread of its own. It must exist before any secured socket is bound; once it has ended
/// nobody can connect. Requests that are not understood or fail are refused.
/// @source ZeroMQ RFC 27, ZAP 1.0.
class zap_server {
public:
  /// @param owner, refused empty where no link has a key.
  /// @errors `unavailable`: this context has one already.
  static outcome<std::unique_ptr<zap_server>>
  start(context& zmq, key_owner owner, key_refusal refused);

  /// Joins the thread.
  ~zap_server();
  zap_server(const zap_server&) = delete;
  zap_server& operator=(const zap_server&) = delete;

  /// The number of refused connections. From any thread.
  std::uint64_t refused() const;

private:
  struct state;
  explicit zap_server(std::unique_ptr<state> made);

  std::unique_ptr<state> state_;
};

} // namespace troupe::transport
