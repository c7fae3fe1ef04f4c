#pragma once

#include "nodes/command_line.hpp"

namespace troupe {

/// `troupe history FILE CAPABILITY ID`: what happened to one thing of an event-sourced capability.
///
/// Arguments: --broker instead of FILE, --deadline, --json. Ends with `ok`, with `rejected` if
/// nothing happened to it, `deadline` if no answer came in time, else with `error`.
void add_history(command_line& line);

/// `troupe rebuild FILE CAPABILITY`: makes the tables that follow from the events of a capability
/// anew.
///
/// Arguments: --broker instead of FILE, --deadline of each slice, --json. Ends with `ok`, with
/// `deadline` if no answer came in time, else with `error`.
void add_rebuild(command_line& line);

} // namespace troupe
