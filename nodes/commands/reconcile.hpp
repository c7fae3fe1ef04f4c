#pragma once

#include "nodes/command_line.hpp"

namespace troupe {

/// `troupe reconcile FILE INVARIANTS`: checks invariants between the data of capabilities.
///
/// Ends with `ok` if all invariants hold, with `faults` if one does not or the file of invariants
/// has faults, with `error` if something could not be compared.
void add_reconcile(command_line& line);

} // namespace troupe
