#pragma once

#include "nodes/commands/status/system_view.hpp"

#include <cstdint>
#include <optional>
#include <string>
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
  /// Calls that wait at the brokers.
  std::uint64_t queue = 0;
  /// Events that it has not handled.
  std::optional<std::uint64_t> lag{};
  std::optional<std::uint64_t> dead_letters{};
  std::optional<std::uint64_t> restarts{};
  /// The worst over its nodes: "closed", "half open", "disabled", "forced closed", "open", "forced
  /// open".
  std::string breaker{};
  /// Sagas that stand still.
  std::optional<std::uint64_t> sagas{};
};

/// A row for each capability, in the order of the topology. Pure.
std::vector<capability_row> rows_of(const system_view& all);

} // namespace troupe
