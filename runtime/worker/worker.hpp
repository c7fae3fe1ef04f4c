#pragma once

#include "runtime/transport/context.hpp"
#include "runtime/transport/transport_options.hpp"
#include "runtime/worker/group_runtime.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace troupe {

/// What a worker node runs and to whom it talks.
struct worker_options {
  std::string node;
  /// Of the topology file; the broker refuses another one.
  std::uint64_t plan = 0;
  std::string folder;
  std::vector<std::string> brokers;
  transport::heartbeat_options heartbeat;
  std::size_t body_bytes_max = std::size_t{1024} * 1024;
  std::vector<capability_options> capabilities;
  /// How long a drain may take; what is still in hand then is handed on by the brokers.
  std::chrono::milliseconds drain_limit{10'000};
  /// How long brokers may refuse the login before the worker gives up.
  std::chrono::milliseconds refusal_limit{5'000};
};

/// How a worker ended.
struct worker_end {
  bool good = true;
  /// Why not: what happened and what to do.
  std::string reason;
};

/// A worker node: the socket loop, the groups of its capabilities and a watchdog.
///
/// `run` owns the calling thread until the worker is drained or the brokers will not have it.
class worker {
public:
  /// @errors of a capability's type, `unavailable` of its store, or of the first store if all were
  /// refused for good, with its name: nothing runs. While one can run, the others are shut.
  static outcome<std::unique_ptr<worker>> make(
      transport::context& zmq,
      const clock& time,
      observe::event_log& log,
      const registry& types,
      worker_options options);

  ~worker();
  worker(const worker&) = delete;
  worker& operator=(const worker&) = delete;

  worker_end run();

  /// Refuse new, finish what is in hand, leave. From any thread.
  void drain();

private:
  struct state;
  explicit worker(std::unique_ptr<state> made);

  std::unique_ptr<state> state_;
};

} // namespace troupe
