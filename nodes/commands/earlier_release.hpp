#pragma once

#include "runtime/outcome.hpp"
#include "topology/actor_type.hpp"
#include "topology/plan.hpp"

#include <string>
#include <vector>

namespace troupe {

/// The changes in `plan` that break programs written for an earlier release, one sentence each.
///
/// @param file the output of `troupe check FILE --json` of that release.
/// @errors `invalid`: the file cannot be read, or is not such an output.
outcome<std::vector<std::string>> broken_since(
    const std::string& file,
    const topology::plan& plan,
    const std::vector<topology::actor_type>& types);

} // namespace troupe
