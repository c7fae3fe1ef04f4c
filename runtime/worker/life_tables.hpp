#pragma once

#include "runtime/actor/registry.hpp"
#include "runtime/store/database.hpp"
#include "runtime/wire/life_calls.hpp"

#include <cstdint>
#include <string>

// The rows of a capability's database about one id (runtime/store/FORMAT.md,
// runtime/saga/README.md). Each function adds the rows it finds, once; a missing table, in a
// database of an earlier release, counts as empty. They throw store::database_error.

namespace troupe {

/// The call or event `id`, the saga, the effects with that key or that wait for it, the events that
/// are still to leave and timers, the changes of the thing `id`.
/// @param type null: steps of sagas have numbers instead of names.
void read_life(
    store::database& session,
    const std::string& capability,
    const actor_type* type,
    const uuid& id,
    wire::told_life& into);

/// Adds a subscriber's state of the event at `position`.
void read_delivery(
    store::database& session,
    std::uint32_t partition,
    std::uint64_t position,
    wire::delivery_told& told);

} // namespace troupe
