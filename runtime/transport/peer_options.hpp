#pragma once

#include "runtime/outcome.hpp"
#include "runtime/transport/curve_keys.hpp"
#include "runtime/transport/transport_options.hpp"

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace troupe::transport {

/// The keys of a link to a broker, by its place in the options, with the token of its login.
/// Requested at each new connection, and when it is time to renew the token, on the thread of the
/// loop.
/// @param attempt the number of failed handshakes in a row: while a broker's key is being replaced,
/// both keys are tried.
using link_key_source = std::function<outcome<curve_link_keys>(int broker, std::size_t attempt)>;

/// The brokers that a worker or client logs in to.
struct peer_options {
  std::vector<std::string> brokers;
  heartbeat_options heartbeat;
  std::size_t body_bytes_max;
  /// The silence after which a broker may have been stopped: messages that come then count as sent
  /// when the silence began, until the broker has answered a ping. Absent: no times depend on it.
  std::optional<milliseconds> silence_noticed{};
  /// The keys of links; absent: links have none.
  link_key_source keys{};
};

} // namespace troupe::transport
