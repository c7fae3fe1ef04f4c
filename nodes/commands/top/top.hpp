#pragma once

#include "nodes/command_line.hpp"

namespace troupe {

/// `troupe top FILE`: how the system is, in a terminal, again each second until q or Ctrl-C. One
/// screen and the end where stdout is no terminal.
///
/// Ends with `ok`, or with `error` if no broker answered that one screen.
void add_top(command_line& line);

} // namespace troupe
