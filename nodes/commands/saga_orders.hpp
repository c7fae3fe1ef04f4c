#pragma once

#include "nodes/command_line.hpp"

namespace troupe {

/// `troupe sagas resume|retry|pause|park|skip|compensate FILE CAPABILITY [ID]`: an order to one
/// saga, or to all that match a filter.
///
/// Ends with `ok` if all obeyed, with `rejected` if one refused, else with `error`. With --dry-run,
/// lists the matching sagas and orders nothing.
/// @param sagas the command `sagas`.
void add_saga_orders(command& sagas);

} // namespace troupe
