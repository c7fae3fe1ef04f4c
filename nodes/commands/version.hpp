#pragma once

#include "nodes/command_line.hpp"

#include <string>

namespace troupe {

/// "troupe 0.1.0".
std::string version_text();

/// Declares `version` and `--version`.
void add_version(command_line& line);

} // namespace troupe
