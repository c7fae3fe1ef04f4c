#pragma once

#include "runtime/broker/server/broker_snapshot.hpp"
#include "runtime/observe/metrics_text.hpp"

#include <string>

namespace troupe {

/// The metrics of a broker, as text. nodes/README.md lists them.
std::string metrics_of(const broker::broker_snapshot& broker, observe::metrics_format format);

} // namespace troupe
