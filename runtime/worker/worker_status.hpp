#pragma once

#include "runtime/wire/status.hpp"
#include "runtime/worker/worker_groups.hpp"
#include "runtime/worker/worker_parts.hpp"

#include <cstddef>

namespace troupe {

/// The answer of `troupe.node.NAME` to `status`.
/// @param calls_of_sagas the number of sagas' calls that wait for their answer.
wire::node_status worker_status(
    const worker_parts& parts,
    const worker_groups& groups,
    std::size_t calls_of_sagas,
    instant now);

} // namespace troupe
