#pragma once

#include "nodes/command_line.hpp"

namespace troupe {

/// Declares `flag list`, `flag set` and `flag history`, which show and change which side answers
/// the features of `strangler`: `runtime/strangler/flag_record.hpp`.
///
/// `set` ends when the change is on disk; with 4 (`conflict`), and no change, if somebody else set
/// the same flag meanwhile. Exit codes are those of `exit_code`.
void add_flag(command_line& line);

} // namespace troupe
