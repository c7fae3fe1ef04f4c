#pragma once

#include "nodes/command_line.hpp"

namespace troupe {

/// `troupe status FILE`: what every broker and node says of itself.
///
/// Arguments: --deadline, --json. Ends with `ok`, or with `error` if one of them did not answer.
void add_status(command_line& line);

} // namespace troupe
