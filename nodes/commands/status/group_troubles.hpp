#pragma once

#include "nodes/commands/status/system_view.hpp"
#include "nodes/commands/status/troubles.hpp"

#include <vector>

namespace troupe {

/// The troubles of groups: down, database refuses turns, events do not reach the journal, handlers
/// fail, breaker not closed. Pure.
std::vector<trouble> group_troubles_of(const system_view& all);

} // namespace troupe
