#pragma once

#include "nodes/commands/status/system_view.hpp"
#include "nodes/commands/status/troubles.hpp"

#include <vector>

namespace troupe {

/// The troubles of the journal and of events: no broker has the journal, it does not answer or
/// cannot be written; subscribers are stopped, behind, or have dead letters. Pure.
std::vector<trouble> journal_troubles_of(const system_view& all);

} // namespace troupe
