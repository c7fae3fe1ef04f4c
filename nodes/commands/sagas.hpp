#pragma once

#include "nodes/command_line.hpp"

namespace troupe {

/// `troupe sagas list FILE [CAPABILITY]`: the sagas that stopped, or match a filter, each with its
/// reason. Ends with `ok`, or with `error` if a node did not answer. The orders to sagas are its
/// other commands (saga_orders.hpp).
void add_sagas(command_line& line);

} // namespace troupe
