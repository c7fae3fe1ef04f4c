#pragma once

#include "nodes/command_line.hpp"
#include "topology/actor_type.hpp"
#include "topology/plan.hpp"

#include <string>
#include <vector>

namespace troupe {

/// The events of `plan` as AsyncAPI 3.0: a channel for each topic that a capability publishes or
/// subscribes to, an operation for each capability that does, and the types of the events.
std::string
asyncapi_document(const topology::plan& plan, const std::vector<topology::actor_type>& types);

/// The events of the topics `patterns`, as a reader of the gateway's stream gets them.
std::string asyncapi_document(
    const topology::plan& plan,
    const std::vector<std::string>& patterns,
    const std::vector<topology::actor_type>& types);

/// Adds `troupe asyncapi FILE`, which prints that document. No process needs to run.
void add_asyncapi(command_line& line);

} // namespace troupe
