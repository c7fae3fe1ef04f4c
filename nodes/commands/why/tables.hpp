#pragma once

#include "nodes/commands/why/life.hpp"
#include "runtime/actor/registry.hpp"
#include "runtime/store/database.hpp"

#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

// What the tables of a store have of one id (runtime/store/FORMAT.md, runtime/saga/README.md,
// runtime/broker/journal/README.md). Each adds what it finds, once; a table that the database does
// not have, since an earlier release made it, has nothing. They throw store::database_error.

namespace troupe::why {

void read_message(
    store::database& session, const std::string& capability, const uuid& id, life& into);

/// @param type null: steps have numbers instead of names.
void read_saga(
    store::database& session,
    const std::string& capability,
    const actor_type* type,
    const uuid& id,
    life& into);

/// Effects with the key `id`, and those that a call or event `id` waits for.
void read_effects(
    store::database& session, const std::string& capability, const uuid& id, life& into);

/// Events that are still to leave, and timers.
void read_outbox(
    store::database& session, const std::string& capability, const uuid& id, life& into);

/// Changes of the thing `id`, and those that the message `id` made.
void read_changes(
    store::database& session, const std::string& capability, const uuid& id, life& into);

/// How far a subscriber is with the event at `position`, by its database.
void read_delivery(
    store::database& session, std::uint32_t partition, std::uint64_t position, delivery_told& told);

/// The same by the journal, of a subscriber without a database.
void read_cursor(
    store::database& journal, std::uint32_t partition, std::uint64_t position, delivery_told& told);

/// Walks the whole journal: there is no index by id.
void read_events(store::database& journal, const std::set<uuid>& ids, life& into);

std::vector<uuid> read_events_with_key(store::database& journal, std::string_view key);

/// The dead letter `id`, and those of the event `id`.
void read_letters(store::database& journal, const uuid& id, life& into);

} // namespace troupe::why
