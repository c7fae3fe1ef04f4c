#pragma once

#include "nodes/command_line.hpp"

namespace troupe {

/// Declares `keys`: creates, lists and replaces the keys of a topology's links.
void add_keys(command_line& line);

} // namespace troupe
