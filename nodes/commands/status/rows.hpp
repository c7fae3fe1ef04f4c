#pragma once

#include "nodes/commands/status/system_view.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace troupe {

/// One capability over all its nodes. What is absent is not known, or does not apply.
struct capability_row {
  std::string name;
  /// "ok": every node of it takes calls; "part": some do; "down": none does.
  std::string state;
  std::size_t nodes_serving = 0;
  std::size_t nodes_meant = 0;
  std::optional<double> rate_per_s{};
  /// The worst over the brokers: the time in which 99 of 100 calls of the last minute ended.
  std::optional<std::uint64_t> p99_us{};
  /// Calls that wait at the brokers that answer.
  std::optional<std::uint64_t> queue{};
  /// Events that it has not handled.
  std::optional<std::uint64_t> lag{};
  std::optional<std::uint64_t> dead_letters{};
  std::optional<std::uint64_t> restarts{};
  /// The worst over its nodes: "closed", "half open", "disabled", "forced closed", "open", "forced
  /// open".
  std::string breaker{};
  /// Sagas that stand still, and those that wait for their turn.
  std::optional<std::uint64_t> sagas{};
  bool has_more_sagas = false;
  std::optional<std::uint64_t> sagas_queued{};
};

/// A row for each capability, in the order of the topology. Pure.
std::vector<capability_row> rows_of(const system_view& all);

/// Whether a saga in this state (`wire::standing_saga`) is neither under way nor waits for its
/// turn.
bool stands_still(std::string_view state);

/// The sagas of all nodes that wait for their turn. Pure.
std::uint64_t queued_sagas(const system_view& all);

/// One capability on one node.
struct capability_place {
  enum class kind : std::uint8_t { ok, warn, bad, unknown };

  std::string node;
  kind is = kind::unknown;
  /// "ok", "away", "no answer", "not known", "not told", "down", "stopping", or how the breaker is.
  std::string word;
  std::optional<double> rate_per_s{};
  /// Calls in hand, and how many it takes at once; 0 where that is not known.
  std::uint64_t in_hand = 0;
  std::uint32_t credit = 0;
  /// The handlers' p99 of the last minute; see `wire::group_status`.
  std::optional<std::uint64_t> p99_us{};
};

std::string_view name_of(capability_place::kind is);

/// The capability on each of its nodes, in the order of the topology. Pure.
std::vector<capability_place> places_of(const system_view& all, const capability_view& capability);

} // namespace troupe
