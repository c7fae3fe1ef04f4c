#pragma once

#include "runtime/saga/definition.hpp"

#include <span>
#include <vector>

namespace troupe::saga {

/// The names that the sagas of one capability use twice, each with both uses: an operation that
/// would start or undo a saga, or answer a step that waits, and something else as well; a topic
/// whose events two steps wait for. Nothing in a call or an event says which is meant, so the first
/// would receive all of them and the other none. Positions are left at 0.
std::vector<fault> collisions_among(std::span<const definition> sagas);

} // namespace troupe::saga
