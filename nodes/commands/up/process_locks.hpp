#pragma once

#include "runtime/outcome.hpp"

#include <string>
#include <vector>

namespace troupe {

/// Keeps two `troupe up` from running the same processes: each holds a lock in a file of the log
/// folder, on one byte per process, until it ends.
///
/// If the file cannot be created or locked, for example in a folder that is not on a disk, there is
/// no protection.
/// @errors `unavailable`: one of the processes is running already; names the other `troupe up`.
outcome<void> lock_processes(const std::string& log_folder, const std::vector<std::string>& names);

} // namespace troupe
