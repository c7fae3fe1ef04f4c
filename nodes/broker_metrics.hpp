#pragma once

#include "runtime/broker/server/broker_snapshot.hpp"
#include "runtime/observe/metrics_text.hpp"
#include "runtime/observe/span_exporter.hpp"

#include <string>

namespace troupe {

/// The metrics of a broker, as text. nodes/README.md lists them.
///
/// @param exporter sends its spans; null if nothing does.
std::string metrics_of(
    const broker::broker_snapshot& broker,
    const observe::span_exporter* exporter,
    observe::metrics_format format);

} // namespace troupe
