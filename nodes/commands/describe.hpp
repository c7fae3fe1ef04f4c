#pragma once

#include "nodes/command_line.hpp"

namespace troupe {

/// Adds `troupe describe FILE CAPABILITY`: asks the nodes that run a capability what it answers,
/// hears and tells.
void add_describe(command_line& line);

} // namespace troupe
