#pragma once

#include "nodes/command_line.hpp"

namespace troupe {

/// `troupe dead-letters list, show, retry or drop`: events that a capability could not handle.
///
/// All take FILE or --broker, --deadline and --json. `list` takes --capability, --topic, --cause,
/// --since, --older, --after and --count; `show` takes the ID of one; `retry` and `drop` take ID,
/// or
/// --all with the filters of `list` and --dry-run; `retry` takes --to. They
/// end with `ok`, with `rejected` if there is no such dead letter, `deadline` if no answer came in
/// time, else with `error`.
void add_dead_letters(command_line& line);

} // namespace troupe
