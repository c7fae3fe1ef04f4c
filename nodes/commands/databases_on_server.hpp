#pragma once

#include "runtime/outcome.hpp"
#include "topology/plan.hpp"

#include <string_view>

namespace troupe {

/// Refuses what is done with database files (`purpose`: "back them up") where capabilities keep
/// their data on a server, whose own tools do that.
outcome<void> check_all_files(const topology::plan& plan, std::string_view purpose);

} // namespace troupe
