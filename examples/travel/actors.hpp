#pragma once

#include "runtime/actor/registry.hpp"
#include "runtime/saga/definition.hpp"

namespace travel {

/// Flights, hotels and cars: one type of actor for three capabilities.
troupe::actor_type places();

/// Holds everything a trip needs at once, and keeps it if a person approves, or frees it again.
troupe::saga::definition book();

} // namespace travel
