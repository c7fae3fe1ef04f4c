#pragma once

#include "nodes/command_line.hpp"

namespace troupe {

/// `troupe up FILE`: runs the brokers and the nodes of host `here`, and restarts those that die.
///
/// Arguments: --log-dir, --json. Ends with `ok` at Ctrl-C or SIGTERM once all have stopped, with
/// `error` if they cannot be started at all.
void add_up(command_line& line);

} // namespace troupe
