#pragma once

#include "nodes/commands/status/system_view.hpp"
#include "nodes/commands/status/troubles.hpp"

#include <vector>

namespace troupe {

/// The troubles of the journal and of events: nobody has it, it does not answer or cannot be
/// written, and subscribers that are stopped or behind, or have dead letters. Pure.
std::vector<trouble> journal_troubles_of(const system_view& all);

} // namespace troupe
