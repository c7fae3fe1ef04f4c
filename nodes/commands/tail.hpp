#pragma once

#include "nodes/command_line.hpp"

namespace troupe {

/// `troupe tail FILE [PATTERN...]`: prints events as they arrive, each once and in order, also
/// across restarts of the broker.
///
/// Arguments: --broker instead of FILE, --from, --count, --json. Ends with `ok` at Ctrl-C or after
/// --count events, with `error` if the broker refuses the question permanently.
void add_tail(command_line& line);

} // namespace troupe
