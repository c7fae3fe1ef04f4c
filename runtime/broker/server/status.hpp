#pragma once

#include "runtime/broker/calls/router.hpp"
#include "runtime/broker/server/broker_log.hpp"
#include "runtime/wire/status.hpp"

namespace troupe::broker {

/// The part of a broker's status that follows from its router and its log: nodes, capabilities, the
/// router's counters, and the last lines of the log.
wire::broker_status status_of(const router& calls, const broker_log& log, instant now);

} // namespace troupe::broker
