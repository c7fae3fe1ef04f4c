#pragma once

#include "runtime/clock.hpp"
#include "runtime/observe/metrics_text.hpp"
#include "runtime/observe/span_exporter.hpp"
#include "runtime/worker/worker_snapshot.hpp"

#include <string>
#include <vector>

namespace troupe {

/// The metrics of a worker, by capability, as text. nodes/README.md lists the metrics.
///
/// @param brokers their names, in the order of the snapshot's links.
/// @param exporter sends its spans; null if nothing does.
/// @param now the time of the snapshot, for ages.
std::string metrics_of(
    const worker_snapshot& worker,
    const std::vector<std::string>& brokers,
    const observe::span_exporter* exporter,
    wall_time now,
    observe::metrics_format format);

} // namespace troupe
