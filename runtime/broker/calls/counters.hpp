#pragma once

#include "runtime/wire/status.hpp"

namespace troupe::broker {

/// The router counts calls and workers, the server the rest.
using counters = wire::broker_counters;

} // namespace troupe::broker
