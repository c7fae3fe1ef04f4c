#pragma once

#include "nodes/command_line.hpp"

namespace troupe {

/// `troupe sagas list FILE [CAPABILITY]`: the sagas that stand still, each with its reason.
/// `troupe sagas resume FILE CAPABILITY ID`: has one go on.
///
/// Both take --deadline and --json; `list` takes --after and --count, `resume` --anew. `list` ends
/// with `ok`, or with `error` if a node did not answer; `resume` with `ok`, with `rejected` if
/// there is no such saga or it does not wait, else with `error`.
void add_sagas(command_line& line);

} // namespace troupe
