#pragma once

#include "nodes/command_line.hpp"

namespace troupe {

/// `troupe status FILE`: the verdict on a system, what is wrong with it, and a row per capability.
///
/// Arguments: --deadline, --all, --watch, --json, --exit-code. Ends with `ok`, or with `error` if a
/// broker or node did not answer.
void add_status(command_line& line);

} // namespace troupe
