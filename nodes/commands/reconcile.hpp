#pragma once

#include "nodes/command_line.hpp"

namespace troupe {

/// `troupe reconcile FILE INVARIANTS`: compares what capabilities say of the same things.
///
/// Ends with `ok` if all invariants hold, with `faults` if one does not or the file of invariants
/// has faults, with `error` if something could not be compared.
void add_reconcile(command_line& line);

} // namespace troupe
