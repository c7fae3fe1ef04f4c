#pragma once

#include "runtime/outcome.hpp"

#include <string>
#include <vector>

namespace troupe {

/// Keeps two `troupe up` from running the same processes: each holds a lock in a file of the folder
/// of logs, on a byte for each process, until it ends.
///
/// Where the file cannot be made or locked, as in a folder that is on no disk, nothing is kept.
/// @errors `unavailable`: one of them is run already, and by which process.
outcome<void> lock_processes(const std::string& log_folder, const std::vector<std::string>& names);

} // namespace troupe
