#pragma once

#include "nodes/command_line.hpp"

namespace troupe {

/// `troupe history FILE CAPABILITY ID`: the events of one entity of an event-sourced capability.
///
/// Arguments: --broker instead of FILE, --deadline, --json. Ends with `ok`, with `rejected` if
/// nothing happened to it, `deadline` if no answer came in time, else with `error`.
void add_history(command_line& line);

/// `troupe rebuild FILE CAPABILITY`: rebuilds the tables derived from the events of a capability.
///
/// Arguments: --broker instead of FILE, --deadline of each slice, --json. Ends with `ok`, with
/// `deadline` if no answer came in time, else with `error`.
void add_rebuild(command_line& line);

} // namespace troupe
