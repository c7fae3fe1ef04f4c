#pragma once

#include "runtime/outcome.hpp"
#include "topology/plan.hpp"

#include <string>
#include <vector>

namespace troupe {

/// Keeps two `troupe up` from running the same processes, and one from running what a service or a
/// person runs already: the duplicates would take over each other's databases.
///
/// Each `up` holds, until it ends, a lock on one byte per process of a file in the log folder,
/// which also works between containers, and a mark per process (`process_marks`), wherever its logs
/// are. Processes have marks of their own. A mark that is still there after 2 s, when the processes
/// of a killed `up` are gone, belongs to somebody else. If the file cannot be created or locked,
/// for example in a folder that is not on a disk, only the marks protect.
/// @errors `unavailable`: one of the processes is running already; names who runs it.
outcome<void> lock_processes(
    const topology::plan& plan,
    const std::string& log_folder,
    const std::vector<std::string>& names);

} // namespace troupe
