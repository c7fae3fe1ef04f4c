#pragma once

#include "runtime/observe/health.hpp"
#include "runtime/wire/status.hpp"
#include "runtime/worker/worker_snapshot.hpp"

#include <string>
#include <vector>

namespace troupe {

/// How a broker is. Ready unless it is being drained.
///
/// @param keeps_journal its journal is open then: a broker whose journal fails ends.
observe::health health_of(const wire::broker_status& broker, bool keeps_journal);

/// How a worker is. Ready if it is logged in at a broker, a group of it serves, and it is not being
/// drained.
///
/// @param brokers their names, in the order of the snapshot's links.
observe::health health_of(const worker_snapshot& worker, const std::vector<std::string>& brokers);

} // namespace troupe
