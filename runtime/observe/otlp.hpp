#pragma once

#include "runtime/observe/span.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace troupe::observe {

/// The attributes of the OTLP resource, which describe the process that spans come from.
using resource_attributes = std::vector<std::pair<std::string, std::string>>;

/// The body of one export: protobuf.
/// @source opentelemetry-proto 1.3, trace_service.proto, ExportTraceServiceRequest.
std::string otlp_request(const resource_attributes& of, std::span<const span> spans);

/// A collector's answer to a request that it has taken.
struct otlp_answer {
  /// The spans of the request that it has not taken.
  std::uint64_t rejected = 0;
  /// Why, or a warning; empty for none.
  std::string why{};
};

/// Reads the body of an answer of status 200. One that cannot be read says nothing: a collector
/// need not send any.
/// @source opentelemetry-proto 1.3: trace_service.proto, ExportTraceServiceResponse.
otlp_answer read_otlp_answer(std::string_view body);

} // namespace troupe::observe
