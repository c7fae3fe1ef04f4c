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

/// The grid of the page: the nodes, and the state of each capability on those that run it.
nlohmann::ordered_json places_json(const system_view& all);

/// Sagas with the nodes that list them, at most `most` of each state: stopped ones first, oldest
/// first; and how many there are, with the states of which there are more.
nlohmann::ordered_json sagas_json(const system_state& state, std::size_t most);

/// The spans that brokers and nodes still have.
struct asked_spans {
  std::vector<placed_span> found{};
  /// The brokers and nodes that did not answer, and those whose oldest spans did not fit.
  std::vector<std::string> silent{};
  std::vector<std::string> cut{};
};

/// @param skipped brokers and nodes that are not asked, and not reported as silent.
asked_spans ask_spans(
    system_links& links,
    const topology::plan& plan,
    const std::set<std::string>& skipped,
    const wire::get_spans& asked,
    milliseconds patience);

/// Summaries of the newest traces.
nlohmann::ordered_json traces_json(const std::vector<placed_span>& spans);

/// All spans of one trace, and the processes whose spans are missing.
nlohmann::ordered_json trace_json(const asked_spans& all);

} // namespace troupe
