#pragma once

#include <optional>
#include <string>
#include <sys/types.h>

namespace troupe {

/// A process that has this SQLite database open, if there is one. To be called before this process
/// opens the file, since closing it would drop this process's own locks.
std::optional<pid_t> user_of(const std::string& path);

} // namespace troupe
