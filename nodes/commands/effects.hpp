#pragma once

#include "nodes/command_line.hpp"

namespace troupe {

/// `troupe effects list FILE [CAPABILITY]`: the effects whose results could not be settled, each
/// with its reason. `troupe effects retry FILE CAPABILITY`: settles them now.
///
/// Both take --deadline and --json; `list` takes --after and --count, `retry` takes --key for a
/// single effect. They end with `ok`, or with `error` if a node did not answer; `retry` with
/// `rejected` if there was nothing to settle.
void add_effects(command_line& line);

} // namespace troupe
