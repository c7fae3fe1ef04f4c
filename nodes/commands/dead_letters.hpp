#pragma once

#include "nodes/command_line.hpp"

namespace troupe {

/// `troupe dead-letters list, show, retry or drop`: events that a capability could not handle.
///
/// All take FILE or --broker, --deadline and --json. `list` takes --capability, --after and
/// --count; `show` and `drop` take the ID of one; `retry` takes ID, or --all and --capability. They
/// end with `ok`, with `rejected` if there is no such dead letter, `deadline` if no answer came in
/// time, else with `error`.
void add_dead_letters(command_line& line);

} // namespace troupe
