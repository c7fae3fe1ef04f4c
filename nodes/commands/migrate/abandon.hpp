#pragma once

#include "nodes/commands/migrate/move_plan.hpp"
#include "runtime/outcome.hpp"

#include <string>
#include <vector>

namespace troupe {

/// Ends an unfinished move, leaving the system where it was.
/// @return what was undone, a sentence each; empty if nothing had begun.
/// @errors `invalid`: everything is on the other side already; of the stores.
outcome<std::vector<std::string>> abandon_move(const move_plan& plan);

} // namespace troupe
