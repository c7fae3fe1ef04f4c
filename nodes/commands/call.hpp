#pragma once

#include "nodes/command_line.hpp"

namespace troupe {

/// `troupe call FILE CAPABILITY.OPERATION [JSON]`: calls one operation and prints its reply as
/// JSON.
///
/// Arguments: --broker instead of FILE, --key, --id, --deadline, --json. Ends with `ok`; `rejected`
/// if the business refused; `deadline` if no answer came in time; else `error`. If the outcome is
/// unknown, prints the id for a repeat.
void add_call(command_line& line);

} // namespace troupe
