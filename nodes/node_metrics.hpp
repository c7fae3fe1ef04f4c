#pragma once

#include "runtime/observe/metrics_text.hpp"
#include "runtime/wire/status.hpp"
#include "runtime/worker/worker_snapshot.hpp"

#include <string>
#include <vector>

namespace troupe {

/// What a broker counts, as text. nodes/README.md lists the metrics.
std::string metrics_of(const wire::broker_status& broker, observe::metrics_format format);

/// What a worker counts, by capability.
///
/// @param brokers their names, in the order of the snapshot's links.
std::string metrics_of(
    const worker_snapshot& worker,
    const std::vector<std::string>& brokers,
    observe::metrics_format format);

} // namespace troupe
