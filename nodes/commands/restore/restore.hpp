#pragma once

#include "nodes/command_line.hpp"

namespace troupe {

/// `troupe restore FILE [--accept]`: checks whether the journal and the databases of a topology
/// belong to one history; with --accept makes them fit together. The system must be stopped.
/// Described in README.md.
///
/// Exit codes: 0 they fit, or do now; 4 something does not fit, or a file is in use or refused.
void add_restore(command_line& line);

} // namespace troupe
