#pragma once

#include "nodes/command_line.hpp"

namespace troupe {

/// `troupe check FILE`: lists all faults of a topology, or describes the topology in words.
///
/// Lists, with --against, what breaks programs of an earlier release (earlier_release.hpp).
///
/// --rights adds who may do what by `security.allow`.
///
/// Arguments: --against, --rights, --json. Ends with `ok`; with `faults` if the topology has some,
/// or breaks other programs; with `error` if the earlier release cannot be read.
void add_check(command_line& line);

} // namespace troupe
