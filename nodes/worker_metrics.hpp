#pragma once

#include "runtime/clock.hpp"
#include "runtime/observe/metrics_text.hpp"
#include "runtime/worker/worker_snapshot.hpp"

#include <string>
#include <vector>

namespace troupe {

/// What a worker counts and measures, by capability, as text. nodes/README.md lists the metrics.
///
/// @param brokers their names, in the order of the snapshot's links.
/// @param now the time of the snapshot, for ages.
std::string metrics_of(
    const worker_snapshot& worker,
    const std::vector<std::string>& brokers,
    wall_time now,
    observe::metrics_format format);

} // namespace troupe
