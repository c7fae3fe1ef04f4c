#pragma once

#include "nodes/commands/status/system_view.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace troupe {

/// One capability over all its nodes. Absent values are unknown or do not apply.
struct capability_row {
  std::string name;
  /// "ok": all of its nodes take calls; "part": some do; "down": none does.
  std::string state;
  std::size_t nodes_serving = 0;
  std::size_t nodes_meant = 0;
  std::optional<double> rate_per_s{};
  /// The 99th percentile of call durations in the last minute, the worst of all brokers.
  std::optional<std::uint64_t> p99_us{};
  /// Calls queued at the brokers that answered.
  std::optional<std::uint64_t> queue{};
  /// Events not handled yet.
  std::optional<std::uint64_t> lag{};
  std::optional<std::uint64_t> dead_letters{};
  std::optional<std::uint64_t> restarts{};
  /// The worst state over its nodes: "closed", "half open", "disabled", "forced closed", "open",
  /// "forced open".
  std::string breaker{};
  /// Stopped sagas, and sagas waiting for their turn.
  std::optional<std::uint64_t> sagas{};
  bool has_more_sagas = false;
  std::optional<std::uint64_t> sagas_queued{};
};

/// A row for each capability, in the order of the topology. Pure.
std::vector<capability_row> rows_of(const system_view& all);

/// Whether a saga in this state (`wire::standing_saga`) is neither running nor waiting for its
/// turn.
bool stands_still(std::string_view state);

/// How many sagas of all nodes wait for their turn. Pure.
std::uint64_t queued_sagas(const system_view& all);

/// One capability on one node.
struct capability_place {
  enum class kind : std::uint8_t { ok, warn, bad, unknown };

  std::string node;
  kind is = kind::unknown;
  /// "ok", "away", "no answer", "not known", "not told", "down", "stopping", or the breaker's
  /// state.
  std::string word;
  std::optional<double> rate_per_s{};
  /// Running calls, and the limit; 0 if unknown.
  std::uint64_t in_hand = 0;
  std::uint32_t credit = 0;
  /// The handlers' p99 of the last minute; see `wire::group_status`.
  std::optional<std::uint64_t> p99_us{};
};

std::string_view name_of(capability_place::kind is);

/// The capability on each of its nodes, in the order of the topology. Pure.
std::vector<capability_place> places_of(const system_view& all, const capability_view& capability);

} // namespace troupe
