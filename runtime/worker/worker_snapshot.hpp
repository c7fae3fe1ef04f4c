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

/// A group beyond what `troupe status` shows of it.
struct group_snapshot {
  /// Why its store was refused for good; empty if it was not.
  std::string refused_store{};
  /// How long its runners took to answer the socket loop, or for how long one has not.
  std::chrono::nanoseconds took{};
  /// For how long a handler or commit has been running, and when the watchdog ends the process.
  std::chrono::nanoseconds busy{};
  std::chrono::nanoseconds busy_limit{};
  group_probe probed{};
  /// In the order of the measured operations.
  std::vector<std::string> operations{};
  /// Of all its runners.
  runner_metrics measured{0};
  /// Nothing if it has had no effects.
  std::optional<effect_metrics> effects{};
  std::uint64_t breaker_openings = 0;
};

struct link_snapshot {
  bool is_up = false;
  /// How long the broker took to answer a call, or for how long it has not.
  /// Nothing while the link is down.
  std::optional<std::chrono::nanoseconds> took{};
};

/// How a worker is, as its socket loop tells other threads of the process.
struct worker_snapshot {
  wire::node_status status{};
  /// Of each group of `status`.
  std::vector<group_snapshot> groups{};
  /// Of each broker of the worker's options.
  std::vector<link_snapshot> links{};
  bool is_draining = false;
};

} // namespace troupe
