#pragma once

#include "runtime/config.hpp"
#include "topology/actor_type.hpp"
#include "topology/checks.hpp"
#include "topology/plan.hpp"

#include <string>
#include <vector>

namespace troupe::topology {

/// Reads the section `events` of the topology. Keys that are left out get their defaults.
///
/// @param into has its folder and its brokers already.
void read_events(config_reader& topology, plan& into, std::vector<fault>& found);

/// Reads `subscribes` and `subscribe_from` of a capability.
///
/// @param owner names it in faults, such as "capability `orders`".
void read_subscriptions(
    config_reader& section,
    const std::string& owner,
    capability_plan& into,
    std::vector<fault>& found);

/// Adds a fault for each capability whose database is the journal.
void check_journal(const draft& checked, std::vector<fault>& found);

/// Adds a fault for each subscribed pattern that matches no event that `type` handles.
///
/// @param section the capability's.
void check_subscriptions(
    const capability_plan& capability,
    const config_tree& section,
    const actor_type& type,
    std::vector<fault>& found);

} // namespace troupe::topology
