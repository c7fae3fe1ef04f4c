#pragma once

#include "nodes/command_line.hpp"

namespace troupe {

/// `troupe call FILE CAPABILITY.OPERATION [JSON]`: calls one operation and prints its reply as
/// JSON.
///
/// Arguments: --broker instead of FILE, --key, --id, --deadline, --json. Ends with `ok`, with
/// `rejected` if the business said no, `deadline` if no answer came in time, else `error`. Where
/// the outcome is unknown, the id to ask again under is printed.
void add_call(command_line& line);

} // namespace troupe
