#pragma once

#include "nodes/command_line.hpp"

namespace troupe {

/// Declares `why`.
void add_why(command_line& line);

} // namespace troupe
