#pragma once

#include "nodes/commands/status/questions.hpp"
#include "nodes/commands/status/troubles.hpp"
#include "topology/plan.hpp"

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

namespace troupe {

/// The answer of a broker or node as JSON.
outcome<nlohmann::ordered_json> json_of(const outcome<std::string>& body);

/// Everything known of a system: the output of `troupe status --json`.
nlohmann::ordered_json report_of(
    const topology::plan& plan, const system_answers& answers, const std::vector<trouble>& found);

/// The value on one line. Bytes that are not UTF-8 become replacement characters.
std::string line_of(const nlohmann::ordered_json& value);

} // namespace troupe
