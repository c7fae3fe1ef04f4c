#pragma once

#include "nodes/commands/migrate/move_plan.hpp"
#include "nodes/commands/migrate/move_result.hpp"
#include "runtime/clock.hpp"
#include "runtime/outcome.hpp"

namespace troupe {

/// Moves PostgreSQL schemas to files. The schemas stay, and are refused from then on.
/// @errors of `move_to_server`.
outcome<move_result>
move_to_files(const move_plan& plan, const move_options& options, const clock& time);

} // namespace troupe
