#pragma once

#include "nodes/commands/status/system_view.hpp"
#include "nodes/commands/status/troubles.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace troupe {

/// The answer of `troupe status` on one screen: the verdict, what is wrong with what to do, a row
/// per capability, a line each for brokers and nodes. Pure.
///
/// @param every shows all of `found`, and not only the first eight.
/// @param columns of the terminal: no line is longer. From 60 on.
std::string screen_of(
    const system_view& all, const std::vector<trouble>& found, bool every, std::size_t columns);

/// A trouble over several lines: what, since when, why and what to do.
std::string text_of(const trouble& each, std::size_t columns);

/// A line each for brokers, nodes, gateways and the journal.
std::string processes_of(const system_view& all, std::size_t columns);

/// "2.5", "120"; "-" if it is not known.
std::string rate_of(const std::optional<double>& per_second);

} // namespace troupe
