#pragma once

#include "nodes/commands/migrate/move_plan.hpp"
#include "nodes/commands/migrate/move_result.hpp"
#include "runtime/clock.hpp"
#include "runtime/outcome.hpp"

namespace troupe {

/// Files to PostgreSQL. The files are put aside at the end, into `moved-TIME/` beside them.
/// @errors `unavailable`: the system runs, or no server; `invalid`: a file or schema that does not
/// fit; `conflict`: the two sides are not equal, and nothing is given away; of the stores.
outcome<move_result>
move_to_server(const move_plan& plan, const move_options& options, const clock& time);

} // namespace troupe
