#pragma once

#include "runtime/outcome.hpp"
#include "runtime/worker/turn_scope.hpp"
#include "runtime/worker/write.hpp"

#include <string>
#include <string_view>

namespace troupe {

// Lists the matters of a group that stand still, and carries out people's orders to them: sagas
// that are parked, left alone or failing, and results of effects that could not be settled
// (runtime/wire/FORMAT.md section 12).

/// Whether `operation` of a node is one of these operations.
bool is_person_order(std::string_view operation);

/// The name of such an operation, for an item to keep.
std::string_view person_order_named(std::string_view operation);

/// The capability that the order in `body` is about. @errors `invalid`.
outcome<std::string> capability_in(std::string_view operation, std::string_view body);

/// Carries an order out in a turn; its answer is `each.result`.
void run_person_order(write& each, turn_scope& in);

} // namespace troupe
