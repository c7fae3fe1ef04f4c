#pragma once

#include "runtime/config.hpp"
#include "topology/actor_type.hpp"
#include "topology/plan.hpp"

#include <string>
#include <vector>

namespace troupe::topology {

/// Adds faults if `served` cannot read what the saga's `call` sends, or answers what the saga
/// cannot read. Types that one side does not give are not compared.
///
/// @param capability the one whose sagas call, with the position of its faults.
void check_call_types(
    const std::string& capability,
    file_position at,
    const called_operation& call,
    const actor_type& calling,
    const wire::operation_description& served,
    const actor_type& serving,
    std::vector<fault>& found);

/// Adds a fault for each event that a capability of `whole` publishes, a handler of `subscriber`
/// gets, and that handler cannot read.
///
/// @param section the subscriber's.
void check_event_types(
    const plan& whole,
    const capability_plan& subscriber,
    const config_tree& section,
    const std::vector<actor_type>& types,
    std::vector<fault>& found);

} // namespace troupe::topology
