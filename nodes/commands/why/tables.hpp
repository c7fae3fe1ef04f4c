#pragma once

#include "nodes/commands/why/life.hpp"
#include "runtime/store/database.hpp"

#include <cstdint>
#include <set>
#include <string_view>
#include <vector>

// Readers of the journal's tables, for one id (runtime/broker/journal/README.md). Each adds its
// results without duplicates. They throw store::database_error.

namespace troupe::why {

/// Adds whether a subscriber without a database has passed the event at `position`.
void read_cursor(
    store::database& journal,
    std::uint32_t partition,
    std::uint64_t position,
    wire::delivery_told& told);

/// Reads the whole journal, since there is no index by id. An event whose dead letter was retried
/// is found again, under its own id.
void read_events(store::database& journal, const std::set<uuid>& ids, life& into);

std::vector<uuid> read_events_with_key(store::database& journal, std::string_view key);

/// Adds the scheduled event `id` that an operator has cancelled.
void read_cancelled(store::database& journal, const uuid& id, life& into);

/// The dead letter `id`, and those of the event `id`.
void read_letters(store::database& journal, const uuid& id, life& into);

} // namespace troupe::why
