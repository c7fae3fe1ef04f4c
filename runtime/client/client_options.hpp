#pragma once

#include "runtime/transport/peer_options.hpp"
#include "runtime/wire/limits.hpp"

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

namespace troupe::client {

struct options {
  /// "tcp://127.0.0.1:5550" each. The first that is up is used until it is lost, then the next.
  std::vector<std::string> brokers;
  transport::heartbeat_options heartbeat{};
  /// Largest body of a call or reply, in bytes; as in the topology.
  std::size_t body_bytes_max = wire::body_bytes_max;
  /// Calls submitted whose completion has not been taken, at most. Beyond it `submit` answers
  /// `overloaded`.
  std::size_t outstanding_max = 65'536;
  /// The name of this client in the brokers' status; with keys, that of their owner.
  std::string name = "client";
  /// The keys of links; absent: they have none.
  transport::link_key_source keys{};
  /// Called on the client's thread when `completions` has something to give and had nothing before;
  /// must neither block nor throw, nor close the client. Absent: whoever wants them waits in
  /// `completions`.
  std::function<void()> news{};
};

} // namespace troupe::client
