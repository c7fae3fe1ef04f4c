#pragma once

#include "nodes/command_line.hpp"

namespace troupe {

/// `troupe breaker FILE CAPABILITY [STATE]`: shows the breakers of a capability on each node;
/// forces them (open, closed, disabled) or makes them automatic again (auto).
///
/// Arguments: --why, required with STATE; --node, --deadline, --json. Ends with `ok`, or with
/// `error` if a node did not answer.
void add_breaker(command_line& line);

} // namespace troupe
