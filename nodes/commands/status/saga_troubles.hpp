#pragma once

#include "nodes/commands/status/system_view.hpp"
#include "nodes/commands/status/troubles.hpp"

#include <vector>

namespace troupe {

/// The troubles of sagas: new ones are refused; some need a person, have stopped, or follow the
/// steps of an earlier definition. Pure.
std::vector<trouble> saga_troubles_of(const system_view& all);

} // namespace troupe
