#pragma once

#include "nodes/command_line.hpp"

namespace troupe {

/// Declares `version` and `--version`.
void add_version(command_line& line);

} // namespace troupe
