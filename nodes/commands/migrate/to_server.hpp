#pragma once

#include "nodes/commands/migrate/move_plan.hpp"
#include "nodes/commands/migrate/move_result.hpp"
#include "runtime/clock.hpp"
#include "runtime/outcome.hpp"

namespace troupe {

/// Moves files to PostgreSQL. At the end the files are put aside into `moved-TIME/` beside them.
/// @errors `unavailable`: the system runs, or the server is unreachable; `invalid`: a file or
/// schema does not fit; `conflict`: the two sides differ, and the originals stay in force; of the
/// stores.
outcome<move_result>
move_to_server(const move_plan& plan, const move_options& options, const clock& time);

} // namespace troupe
