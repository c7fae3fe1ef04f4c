#pragma once

#include "nodes/command_line.hpp"
#include "topology/actor_type.hpp"
#include "topology/plan.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace troupe {

/// The routes of a gateway as OpenAPI 3.1: an operation for each, its types in their JSON form
/// (runtime/gateway/README.md), and every error as a problem (RFC 9457).
///
/// The variables of a path are named as in its first route, since OpenAPI considers templates that
/// differ only in names as equal. Streams of events have their types in `x-events`, by topic.
/// @param server the URL before all paths; "/" means the server of the document.
std::string openapi_document(
    const topology::plan& plan,
    const topology::gateway_plan& gateway,
    const std::vector<topology::actor_type>& types,
    std::string_view server);

/// Adds `troupe openapi FILE [GATEWAY]`, which prints that document. No process needs to run.
void add_openapi(command_line& line);

} // namespace troupe
