#pragma once

#include "nodes/command_line.hpp"

namespace troupe {

/// Adds `troupe describe FILE CAPABILITY`: asks the nodes that run a capability which operations it
/// has, and which events it handles and publishes.
void add_describe(command_line& line);

} // namespace troupe
