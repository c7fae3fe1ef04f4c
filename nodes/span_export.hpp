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

/// Chooses which of the traces that begin at a capability are recorded.
observe::sampling sampling_of(const topology::plan& plan, std::string_view capability);

/// Sends recorded spans to the collector that the topology names; null if it names none.
/// @param node the broker, node or gateway that this process is. All outlive it.
std::unique_ptr<observe::span_exporter> export_spans(
    const topology::plan& plan,
    const std::string& node,
    const observe::span_rings& spans,
    const clock& time,
    observe::event_log& log);

/// Adds how many spans left for the collector, and how many never will; nothing if there is none.
void tell_export(observe::metrics_text& text, const observe::span_exporter* exporter);

} // namespace troupe
