#pragma once

#include "nodes/command_line.hpp"

namespace troupe {

/// `troupe migrate FILE --from PLACE --to PLACE`: moves the databases and the journal of a stopped
/// system from SQLite files to PostgreSQL, or back. Described in OPERATING.md.
///
/// Exit codes: 0 done; 4 the originals are still in force, and the same command continues.
void add_migrate(command_line& line);

} // namespace troupe
