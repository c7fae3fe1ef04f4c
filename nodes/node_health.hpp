#pragma once

#include "runtime/broker/server/broker_snapshot.hpp"
#include "runtime/observe/health.hpp"
#include "runtime/worker/worker_snapshot.hpp"

#include <string>
#include <vector>

namespace troupe {

/// The health of a broker. Ready unless it is being drained.
observe::health health_of(const broker::broker_snapshot& broker);

/// The health of a worker. Ready if it is logged in to a broker, one of its groups serves, and it
/// is not being drained. Stuck once a handler or commit has run for half of the time after which
/// the watchdog ends the process.
///
/// @param brokers their names, in the order of the snapshot's links.
observe::health health_of(const worker_snapshot& worker, const std::vector<std::string>& brokers);

} // namespace troupe
