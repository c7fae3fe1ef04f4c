#pragma once

#include "runtime/actor/capability_call.hpp"
#include "runtime/transport/peer_options.hpp"
#include "runtime/worker/capability_options.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace troupe {

/// The capabilities a worker node runs, and the brokers it serves.
struct worker_options {
  std::string node;
  /// Digest of the topology; a broker refuses a worker with another one.
  std::uint64_t plan = 0;
  /// Digest of the parts of the topology that it must have in common with its brokers.
  std::uint64_t shared_plan = 0;
  /// The folder of the topology file.
  std::string folder;
  /// The name of the system.
  std::string system{};
  std::vector<std::string> brokers;
  transport::heartbeat_options heartbeat;
  std::size_t body_bytes_max = std::size_t{1024} * 1024;
  std::vector<capability_options> capabilities;
  /// The time that a drain and the end of the groups may take. Brokers pass on calls that are still
  /// in hand then.
  std::chrono::milliseconds drain_limit{10'000};
  /// The time for which brokers may refuse the login before the worker gives up.
  std::chrono::milliseconds refusal_limit{5'000};
  /// The keys of links; absent: they have none.
  transport::link_key_source keys{};
  /// The function by which effects call other capabilities; absent: they cannot.
  ask_capability ask{};
};

} // namespace troupe
