#pragma once

#include "runtime/error.hpp"
#include "runtime/saga/plan.hpp"
#include "runtime/saga/state.hpp"

#include <string>

namespace troupe::saga {

/// The answer of a saga whose steps are all done. @errors as `body_of`.
outcome<std::string> answer_of(const plan& by, const state& current);

/// Whether the step's condition says that it is to be done. @errors those of the condition;
/// `invalid` if it threw.
outcome<bool> condition_of(const plan& by, const state& current, std::uint32_t index);

} // namespace troupe::saga
