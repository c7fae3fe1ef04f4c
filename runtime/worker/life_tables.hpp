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

void read_message(
    store::database& session, const std::string& capability, const uuid& id, wire::told_life& into);

/// @param type null: steps have numbers instead of names.
void read_saga(
    store::database& session,
    const std::string& capability,
    const actor_type* type,
    const uuid& id,
    wire::told_life& into);

/// Effects with the key `id`, and those that a call or event `id` waits for.
void read_effects(
    store::database& session, const std::string& capability, const uuid& id, wire::told_life& into);

/// Events in the outbox, and timers.
void read_outbox(
    store::database& session, const std::string& capability, const uuid& id, wire::told_life& into);

/// Changes of the event-sourced object `id`.
void read_changes(
    store::database& session, const std::string& capability, const uuid& id, wire::told_life& into);

/// Adds a subscriber's state of the event at `position`.
void read_delivery(
    store::database& session,
    std::uint32_t partition,
    std::uint64_t position,
    wire::delivery_told& told);

} // namespace troupe
