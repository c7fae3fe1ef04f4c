#pragma once

#include "nodes/command_line.hpp"

namespace troupe {

/// `troupe migrate FILE --from PLACE --to PLACE`: moves the databases and the journal of a stopped
/// system from SQLite files to PostgreSQL, or back. OPERATING.md has what it does.
///
/// Exit codes: 0 done; 4 nothing was given away: the same command goes on.
void add_migrate(command_line& line);

} // namespace troupe
