#pragma once

#include "nodes/commands/stranded.hpp"
#include "runtime/store/database.hpp"
#include "topology/plan.hpp"

#include <string>
#include <vector>

namespace troupe {

/// What the journal has for capabilities that are gone, or that do not get it any more, one
/// sentence each: dead letters, and events that were not handled yet. Throws database_error.
void add_stranded_events(
    std::vector<std::string>& to,
    const earlier_databases& earlier,
    const topology::plan& plan,
    store::database& journal);

} // namespace troupe
