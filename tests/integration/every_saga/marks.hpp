#pragma once

#include "runtime/actor/registry.hpp"

namespace troupe::test {

/// The participant of every step: it counts how often each step of each saga was made and unmade.
/// The table would show whatever happens twice, which inboxes prevent.
actor_type marks();

} // namespace troupe::test
