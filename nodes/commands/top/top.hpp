#pragma once

#include "nodes/command_line.hpp"

namespace troupe {

/// `troupe top FILE`: shows the state of the system in a terminal, updated each second until q or
/// Ctrl-C. If stdout is not a terminal, prints one screen and ends.
///
/// Ends with `ok`, or with `error` if no broker answered that one screen.
void add_top(command_line& line);

} // namespace troupe
