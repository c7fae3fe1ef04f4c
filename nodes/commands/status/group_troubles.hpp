#pragma once

#include "nodes/commands/status/system_view.hpp"
#include "nodes/commands/status/troubles.hpp"

#include <vector>

namespace troupe {

/// The troubles of groups: those that are down, whose database refuses turns, whose events do not
/// leave, whose handlers fail, and whose breakers are not closed. Pure.
std::vector<trouble> group_troubles_of(const system_view& all);

} // namespace troupe
