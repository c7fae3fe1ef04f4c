#pragma once

#include "nodes/command_line.hpp"

namespace troupe {

/// `troupe check FILE`: everything wrong with a topology at once, or the topology in words.
///
/// Arguments: --json. Ends with `ok`, or `faults` if the topology has some.
void add_check(command_line& line);

} // namespace troupe
