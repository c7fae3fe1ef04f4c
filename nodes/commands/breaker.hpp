#pragma once

#include "nodes/command_line.hpp"

namespace troupe {

/// `troupe breaker FILE CAPABILITY [STATE]`: how the breakers of a capability are on each node;
/// takes them over (open, closed, disabled) or gives them back (auto).
///
/// Arguments: --why, which a STATE needs; --node, --deadline, --json. Ends with `ok`, or with
/// `error` if a node did not answer.
void add_breaker(command_line& line);

} // namespace troupe
