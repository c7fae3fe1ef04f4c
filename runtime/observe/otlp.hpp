#pragma once

#include "runtime/observe/span.hpp"

#include <span>
#include <string>
#include <utility>
#include <vector>

namespace troupe::observe {

/// The attributes of the OTLP resource, which describe the process that spans come from.
using resource_attributes = std::vector<std::pair<std::string, std::string>>;

/// The body of one export: protobuf.
/// @source opentelemetry-proto 1.3, trace_service.proto, ExportTraceServiceRequest.
std::string otlp_request(const resource_attributes& of, std::span<const span> spans);

} // namespace troupe::observe
