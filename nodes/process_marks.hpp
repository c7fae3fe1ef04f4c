#pragma once

#include "topology/plan.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <sys/types.h>

namespace troupe {

/// Who has a mark: the process of a topology itself, or the `troupe up` that runs it.
enum class marked : std::uint8_t { process, keeper };

/// Marks this process as the one that is, or runs, the process `name` of `plan`, until it ends.
///
/// A mark is a name of a local socket without a file (unix(7), "abstract"): it needs no folder that
/// can be written, and goes with its process however that ends. Its name comes from the folder and
/// the name of the system. It holds within one machine (one network namespace).
/// @return whether this process has it now. False if another one has it, or if the system gives no
/// such sockets: nothing is told apart then.
bool take_mark(const topology::plan& plan, const std::string& name, marked as);

/// The process that has a mark. Nothing if none has, or one of another user whom this one need not
/// believe: anybody on the machine can take any mark.
/// @return its pid; 0 if that is not known.
std::optional<pid_t> holder_of_mark(const topology::plan& plan, const std::string& name, marked as);

} // namespace troupe
