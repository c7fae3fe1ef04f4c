#pragma once

#include "runtime/clock.hpp"
#include "runtime/observe/event_log.hpp"
#include "runtime/observe/metrics_text.hpp"
#include "runtime/observe/span_exporter.hpp"
#include "runtime/observe/trace_context.hpp"
#include "topology/plan.hpp"

#include <memory>
#include <string>
#include <string_view>

namespace troupe {

/// Decides which of the traces that begin at a capability are recorded.
observe::sampling sampling_of(const topology::plan& plan, std::string_view capability);

/// Sends recorded spans to the collector of the topology; null if it has none.
/// @param node the name of this broker, node or gateway. All arguments outlive it.
std::unique_ptr<observe::span_exporter> export_spans(
    const topology::plan& plan,
    const std::string& node,
    const observe::span_rings& spans,
    const clock& time,
    observe::event_log& log);

/// Adds how many spans were sent to the collector, and how many were lost; nothing if there is no
/// collector.
void tell_export(observe::metrics_text& text, const observe::span_exporter* exporter);

} // namespace troupe
