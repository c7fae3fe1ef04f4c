#pragma once

#include "runtime/outcome.hpp"
#include "topology/plan.hpp"

#include <string>
#include <vector>

namespace troupe {

/// Keeps two `troupe up` from running the same processes, and one from running what a service or a
/// person runs: their twins would take their databases over.
///
/// Each `up` holds, until it ends, a lock in a file of the folder of logs, on a byte for each
/// process, also against other containers; and a mark for each process (`process_marks`), whatever
/// the folder of its logs. Processes have marks of their own: one that is there within 2 s, in
/// which those of an `up` that was killed are gone, is somebody else's. Where the file cannot be
/// made or locked, as in a folder that is on no disk, the marks alone count.
/// @errors `unavailable`: one of them is run already, and by which process.
outcome<void> lock_processes(
    const topology::plan& plan,
    const std::string& log_folder,
    const std::vector<std::string>& names);

} // namespace troupe
