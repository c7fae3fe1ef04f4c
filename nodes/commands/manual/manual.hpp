#pragma once

#include "nodes/command_line.hpp"

#include <string>

namespace troupe {

/// `troupe help [TOPIC...]`, `troupe completion SHELL` and `troupe man [PROGRAM]`.
///
/// Exit codes: `ok`; `usage` for an unknown topic.
/// @param line the program's, which outlives its commands.
void add_manual(command_line& line, const std::string& version);

} // namespace troupe
