#pragma once

#include "runtime/actor/registry.hpp"
#include "runtime/saga/definition.hpp"

namespace booking {

troupe::actor_type tickets();
troupe::actor_type wallet();
troupe::actor_type statistics();

/// Holds seats, takes the money, issues the ticket; or back again.
troupe::saga::definition book();

} // namespace booking
