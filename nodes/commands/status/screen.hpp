#pragma once

#include "nodes/commands/status/system_view.hpp"
#include "nodes/commands/status/troubles.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace troupe {

/// The output of `troupe status` on one screen: the verdict, troubles with advice, a row per
/// capability, a line each for brokers and nodes. Pure.
///
/// @param every shows all of `found`, instead of only the first eight.
/// @param columns of the terminal, 60 or more: no line is longer.
std::string screen_of(
    const system_view& all, const std::vector<trouble>& found, bool every, std::size_t columns);

/// A trouble over several lines: what, since when, why and what to do.
std::string text_of(const trouble& each, std::size_t columns);

/// A line each for brokers, nodes, gateways and the journal.
std::string processes_of(const system_view& all, std::size_t columns);

/// "2.5", "120"; "-" if unknown.
std::string rate_of(const std::optional<double>& per_second);

} // namespace troupe
