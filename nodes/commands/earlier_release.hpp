#pragma once

#include "runtime/outcome.hpp"
#include "topology/actor_type.hpp"
#include "topology/plan.hpp"

#include <string>
#include <vector>

namespace troupe {

/// The changes in `plan` that break programs written for an earlier release, one sentence each.
///
/// @param file what `troupe check FILE --json` said of that release.
/// @errors `invalid`: the file cannot be read, or is no such answer.
outcome<std::vector<std::string>> broken_since(
    const std::string& file,
    const topology::plan& plan,
    const std::vector<topology::actor_type>& types);

} // namespace troupe
