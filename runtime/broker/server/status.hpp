#pragma once

#include "runtime/broker/calls/router.hpp"
#include "runtime/broker/server/broker_log.hpp"
#include "runtime/wire/status.hpp"

#include <vector>

namespace troupe::broker {

/// The part of a broker's status that comes from its router and its log: nodes, capabilities, the
/// router's counters, and the last lines of the log.
wire::broker_status status_of(const router& calls, const broker_log& log, instant now);

/// The times of each capability that `status_of` names, in that order.
std::vector<call_times> times_of(const router& calls);

/// Leaves out the parts that grow with capabilities times nodes, and the log lines, and says so:
/// for a status that is too large for an answer.
void leave_out_details(wire::broker_status& said);

} // namespace troupe::broker
