#pragma once

#include "nodes/gateway_features.hpp"
#include "runtime/gateway/server/gateway.hpp"
#include "runtime/observe/health.hpp"
#include "runtime/observe/metrics_text.hpp"
#include "runtime/observe/span_exporter.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace troupe {

/// The health of a gateway. Ready if it is logged in to a broker and is not being drained; other
/// problems show in its answers.
///
/// @param brokers their names, in the order of the snapshot's links.
observe::health
health_of(const gateway::gateway_snapshot& gateway, const std::vector<std::string>& brokers);

/// The metrics of a gateway, by route. nodes/README.md lists them.
///
/// @param moving its features; null if it has none.
/// @param exporter sends its spans; null if nothing does.
/// @param spans_untold spans that no broker has.
/// @param tokens_refused service tokens that were missing or not accepted.
std::string metrics_of(
    const gateway::gateway_snapshot& gateway,
    const std::vector<std::string>& brokers,
    const gateway_features* moving,
    const observe::span_exporter* exporter,
    std::uint64_t spans_untold,
    std::uint64_t tokens_refused,
    observe::metrics_format format);

} // namespace troupe
