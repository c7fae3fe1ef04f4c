#pragma once

#include "nodes/command_line.hpp"

namespace troupe {

/// `troupe backup FILE FOLDER`: copies the journal and all databases of a topology that are on this
/// machine, as they are at one moment, while the system runs. OPERATING.md has what it does.
///
/// Exit codes: 0 done; 4 nothing that can be used was written.
void add_backup(command_line& line);

} // namespace troupe
