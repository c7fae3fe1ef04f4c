#pragma once

#include "runtime/config.hpp"
#include "runtime/observe/trace_context.hpp"
#include "runtime/supervision/breaker_options.hpp"
#include "runtime/supervision/supervision_options.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace troupe {

/// The part of one capability that one worker runs.
struct capability_options {
  std::string name;
  /// The registered actor type.
  std::string actor;
  /// The numbers of the replicas this worker runs. Not empty.
  std::vector<int> replicas;
  /// The SQLite file, or the address of a PostgreSQL database ("postgresql://..."), where the
  /// capability has the schema of its name; absent without a store.
  std::optional<std::string> database;
  supervision::options supervision;
  supervision::breaker_options breaker;
  supervision::bulkhead_options bulkhead;
  /// The number of effects run at once, each on its own thread. 1 to 256.
  int effect_threads = 4;
  /// The number of committed and unfinished effects at which no more are accepted.
  int effect_queue = 10'000;
  /// An attempt of an effect that takes longer counts as failed for the breaker. 10 ms to 1 h.
  std::chrono::milliseconds effect_limit{10'000};
  /// The topics that it subscribes to: names, `PREFIX.*` or `*`.
  std::vector<std::string> subscribes{};
  /// The retries of events whose handling failed.
  supervision::retry_options retry{};
  /// Events held at once, waiting or in hand. 1 to 65,536.
  int events_in_flight = 4'096;
  std::chrono::milliseconds turn_limit{10'000};
  std::chrono::hours inbox_kept{7 * 24};
  /// The time for which finished sagas, and the answers to commands of sagas, are kept.
  std::chrono::hours sagas_kept{90 * 24};
  /// Decides which of the traces that begin here are recorded.
  observe::sampling sampling{};
  config_tree config;
};

} // namespace troupe
