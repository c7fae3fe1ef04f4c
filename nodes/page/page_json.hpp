#pragma once

#include "nodes/commands/status/system_reader.hpp"
#include "nodes/commands/status/system_view.hpp"
#include "nodes/commands/traces/waterfall.hpp"
#include "nodes/system_links.hpp"
#include "runtime/clock.hpp"
#include "runtime/wire/spans.hpp"
#include "topology/plan.hpp"

#include <cstddef>
#include <nlohmann/json_fwd.hpp>
#include <set>
#include <string>
#include <vector>

namespace troupe {

/// The grid of the page: the nodes, and how each capability is on those that run it.
nlohmann::ordered_json places_json(const system_view& all);

/// Sagas with the nodes that name them, at most `most` of each state, the oldest first.
/// @param queued how many wait for their turn: nodes name a part of them.
nlohmann::ordered_json
sagas_json(const std::vector<placed_saga>& all, std::size_t most, std::uint64_t queued);

/// The traces that brokers and nodes still have; whoever does not answer has none.
/// @param skipped the brokers and nodes that are not asked.
std::vector<placed_span> ask_spans(
    system_links& links,
    const topology::plan& plan,
    const std::set<std::string>& skipped,
    const wire::get_spans& asked,
    milliseconds patience);

/// The newest traces in short.
nlohmann::ordered_json traces_json(const std::vector<placed_span>& spans);

/// All spans of one trace.
nlohmann::ordered_json trace_json(const std::vector<placed_span>& spans);

} // namespace troupe
