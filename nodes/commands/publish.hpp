#pragma once

#include "nodes/command_line.hpp"

namespace troupe {

/// `troupe publish FILE TOPIC JSON`: publishes one event, now or later.
///
/// Arguments: --broker instead of FILE, --key, --at or --after, --id, --deadline, --json. Ends with
/// `ok` once the event is on disk, with `deadline` if no answer came in time, else with `error`.
void add_publish(command_line& line);

} // namespace troupe
