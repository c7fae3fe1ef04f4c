#pragma once

#include "runtime/actor/registry.hpp"
#include "runtime/saga/definition.hpp"

namespace booking {

troupe::actor_type tickets();
troupe::actor_type wallet();
troupe::actor_type statistics();

/// Holds seats, takes the money and issues the ticket, or undoes all of it.
troupe::saga::definition book();

} // namespace booking
