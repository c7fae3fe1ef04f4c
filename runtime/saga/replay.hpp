#pragma once

#include "runtime/outcome.hpp"
#include "runtime/saga/plan.hpp"
#include "runtime/saga/record.hpp"
#include "runtime/saga/state.hpp"

#include <span>

namespace troupe::saga {

/// Rebuilds a saga's state from its journal, as it was after the decision that wrote the last row.
///
/// Follow it with `taken_over`. @param rows is borrowed for the call.
/// @errors `conflict` if the saga was started under another plan; `internal` if this machine does
/// not write such rows (a gap, a record out of place): do not go on with such a saga.
outcome<state> replay(const plan& by, const uuid& saga, std::span<const record> rows);

} // namespace troupe::saga
