#pragma once

#include "nodes/command_line.hpp"

namespace troupe {

/// `troupe topics FILE`: the topics in the journal, and the progress of their subscribers.
///
/// Arguments: --broker instead of FILE, --deadline, --json. Ends with `ok`, with `deadline` if no
/// answer came in time, else with `error`.
void add_topics(command_line& line);

} // namespace troupe
