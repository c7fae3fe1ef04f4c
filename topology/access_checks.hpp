#pragma once

#include "topology/actor_type.hpp"
#include "topology/checks.hpp"
#include "topology/plan.hpp"

#include <string_view>
#include <vector>

namespace troupe::topology {

/// The grants of `security.allow` to `who`; none without a rule for it.
security::grants rights_of(const security_options& security, std::string_view who);

/// The rights of a gateway: its rule, and the Troupe topics and operations that its strangler
/// features and its page need. @param whole has `security`.
security::grants rights_of(const plan& whole, const gateway_plan& gateway);

/// Adds the faults of `security.allow`: rules that never hold; sagas, subscriptions, events and
/// routes without the right.
void check_access(
    const draft& checked, const std::vector<actor_type>& types, std::vector<fault>& found);

} // namespace troupe::topology
