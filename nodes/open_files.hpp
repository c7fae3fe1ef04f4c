#pragma once

#include <cstdint>

namespace troupe {

/// Raises this process's limit of open files as far as it may: a usual soft limit of 1,024 is that
/// of programs which use select(2). @return the limit; 0 if the system does not tell.
std::uint64_t raise_open_files();

} // namespace troupe
