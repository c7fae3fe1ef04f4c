#pragma once

#include "runtime/outcome.hpp"
#include "runtime/wire/description.hpp"
#include "runtime/worker/worker_groups.hpp"

#include <cstddef>
#include <string>
#include <string_view>

namespace troupe {

/// The answer to `describe`: the capabilities of a node by name, as many as fit into `bytes_max`,
/// and at least one.
/// @errors `unknown_capability`: the node does not run the requested one.
outcome<wire::node_description> describe(
    const wire::describe_node& asked,
    const std::string& node,
    const worker_groups& groups,
    std::size_t bytes_max);

/// `unknown_capability`: `node` does not run it, with the nearest one that it runs.
error not_run_here(std::string_view node, std::string_view capability, const worker_groups& groups);

} // namespace troupe
