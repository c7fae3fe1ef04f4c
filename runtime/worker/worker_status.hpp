#pragma once

#include "runtime/worker/worker_groups.hpp"
#include "runtime/worker/worker_parts.hpp"

#include <cstddef>
#include <string>

namespace troupe {

/// The body with which `troupe.node.NAME` answers `status`.
/// @param calls_of_sagas how many wait for their answer.
std::string worker_status(
    const worker_parts& parts,
    const worker_groups& groups,
    std::size_t calls_of_sagas,
    instant now);

} // namespace troupe
