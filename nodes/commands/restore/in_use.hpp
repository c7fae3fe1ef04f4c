#pragma once

#include <optional>
#include <string>
#include <sys/types.h>

namespace troupe {

/// A process that has the SQLite database in this file open, if there is one. To be asked before
/// this process opens it: closing the file would drop this process' own locks.
std::optional<pid_t> user_of(const std::string& path);

} // namespace troupe
