#pragma once

#include "nodes/command_line.hpp"

namespace troupe {

/// `troupe backup FILE FOLDER`: copies the journal and all databases of a topology that are on this
/// machine, as of one moment, while the system runs. Described in OPERATING.md.
///
/// Exit codes: 0 done; 4 nothing usable was written.
void add_backup(command_line& line);

} // namespace troupe
