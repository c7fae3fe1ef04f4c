#pragma once

#include "nodes/command_line.hpp"

namespace troupe {

/// Declares `traces` and `trace`.
void add_traces(command_line& line);

} // namespace troupe
