#pragma once

#include <cstdint>

namespace troupe {

/// Raises this process's limit of open files as far as allowed: the usual soft limit of 1,024 is
/// meant for programs that use select(2).
/// @return the limit; 0 if it is unknown.
std::uint64_t raise_open_files();

} // namespace troupe
