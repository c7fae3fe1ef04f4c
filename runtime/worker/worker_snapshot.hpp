#pragma once

#include "runtime/wire/status.hpp"
#include "runtime/worker/effect_metrics.hpp"
#include "runtime/worker/group_probe.hpp"
#include "runtime/worker/runner_metrics.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace troupe {

/// The state of a group beyond that in `troupe status`.
struct group_snapshot {
  /// The reason why its store was refused for good; empty if it was not.
  std::string refused_store{};
  /// The time that its runners took to answer the socket loop, or have taken so far.
  std::chrono::nanoseconds took{};
  /// The time for which a handler or commit has been running, and the limit at which the watchdog
  /// ends the process.
  std::chrono::nanoseconds busy{};
  std::chrono::nanoseconds busy_limit{};
  group_probe probed{};
  /// The operations, in the order of the measured ones.
  std::vector<std::string> operations{};
  /// The measurements of all its runners.
  runner_metrics measured{0};
  /// Nothing if it has had no effects.
  std::optional<effect_metrics> effects{};
  std::uint64_t breaker_openings = 0;
};

struct link_snapshot {
  bool is_up = false;
  /// The time that the broker took to answer a call, or has taken so far. Nothing while the link is
  /// down.
  std::optional<std::chrono::nanoseconds> took{};
};

/// The state of a worker, as its socket loop reports it to other threads of the process.
struct worker_snapshot {
  wire::node_status status{};
  /// A snapshot of each group of `status`.
  std::vector<group_snapshot> groups{};
  /// A snapshot of each broker of the worker's options.
  std::vector<link_snapshot> links{};
  bool is_draining = false;
};

} // namespace troupe
