#include "nodes/commands/why/tables.hpp"

#include "runtime/bytes.hpp"
#include "runtime/contains.hpp"
#include "runtime/store/blobs.hpp"
#include "runtime/time_text.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace troupe::why {

namespace {

using wire::delivery_told;
using wire::event_told;

constexpr int events_with_key_max = 10;

wall_time time_in(const store::row& row, int column) {
  return time_since_1970(milliseconds{row.integer(column)});
}

template <class Told>
bool has(const std::vector<Told>& among, const uuid& id) {
  return contains(among, id, &Told::id);
}

} // namespace

void read_cursor(
    store::database& journal,
    std::uint32_t partition,
    std::uint64_t position,
    delivery_told& told) {
  auto take = [&](const store::row& row) {
    const store::blob all = row.bytes(0);
    const std::size_t at = std::size_t{partition} * 8;
    told.is_handled = all.size() >= at + 8 && load_big_endian<std::uint64_t>(&all[at]) >= position;
  };
  journal.query("SELECT handled FROM cursors WHERE capability = $1", take, told.capability);
}

void read_events(store::database& journal, const std::set<uuid>& ids, life& into) {
  std::vector<std::uint64_t> positions;
  auto look = [&](const store::row& row) {
    if (ids.contains(row.id(1))) {
      positions.push_back(static_cast<std::uint64_t>(row.integer(0)));
    }
  };
  journal.query("SELECT position, id FROM events", look);
  for (const std::uint64_t position : positions) {
    auto take = [&](const store::row& row) {
      event_told told{
          .id = row.id(0),
          .topic = std::string{row.text(1)},
          .key = row.is_null(2) ? std::string{} : std::string{row.text(2)},
          .source = row.is_null(3) ? std::string{} : std::string{row.text(3)},
          .trace = row.is_null(4) ? std::string{} : std::string{row.text(4)},
          .position = position,
          .at = row.integer(5)};
      // An outbox keeps its newest row after the journal has the event.
      std::erase_if(into.events, [&](const event_told& each) {
        return each.id == told.id && (each.position == 0 || each.position == position);
      });
      into.events.push_back(std::move(told));
      if (!row.is_null(6)) {
        into.retries.push_back({position, std::string{row.text(6)}});
      }
    };
    journal.query(
        "SELECT events.id, topics.name, key, source, traceparent, time, only_for FROM events"
        " JOIN topics ON topics.id = events.topic WHERE position = $1",
        take,
        position);
  }
  for (const uuid& id : ids) {
    if (has(into.events, id)) {
      continue;
    }
    auto take = [&](const store::row& row) {
      into.events.push_back(
          {.id = id, .topic = std::string{row.text(0)}, .at = row.integer(1), .is_timer = true});
    };
    journal.query("SELECT topic, due_at FROM scheduled WHERE id = $1 OR event_id = $1", take, id);
  }
}

void read_cancelled(store::database& journal, const uuid& id, life& into) {
  const bool is_known =
      std::ranges::any_of(into.cancelled, [&](const auto& each) { return each.id == id; });
  // Journals of earlier releases have no such table.
  if (is_known || !journal.has_table("cancelled")) {
    return;
  }
  auto take = [&](const store::row& row) {
    into.cancelled.push_back(
        {id,
         time_in(row, 2),
         fmt::format(
             "event {}, scheduled for {}, was cancelled by {}: {}",
             row.text(0),
             utc_time_text(time_in(row, 1)),
             row.text(3),
             row.text(4))});
  };
  journal.query("SELECT topic, due_at, at, who, why FROM cancelled WHERE id = $1", take, id);
}

std::vector<uuid> read_events_with_key(store::database& journal, std::string_view key) {
  std::vector<uuid> found;
  auto take = [&](const store::row& row) { found.push_back(row.id(0)); };
  journal.query(
      "SELECT id FROM events WHERE key = $1 ORDER BY position DESC LIMIT $2",
      take,
      key,
      events_with_key_max);
  std::ranges::reverse(found);
  return found;
}

void read_letters(store::database& journal, const uuid& id, life& into) {
  auto take = [&](const store::row& row) {
    if (has(into.letters, row.id(0))) {
      return;
    }
    into.letters.push_back(
        {row.id(0),
         row.id(1),
         std::string{row.text(2)},
         std::string{row.text(3)},
         std::string{row.text(4)},
         std::string{row.text(5)},
         std::string{row.text(6)},
         static_cast<std::uint32_t>(row.integer(7)),
         static_cast<std::uint32_t>(row.integer(8)),
         time_in(row, 9),
         time_in(row, 10)});
  };
  journal.query(
      "SELECT id, event_id, capability, topic, cause, error, node, replica, attempts, first_at,"
      " last_at FROM dead_letters WHERE id = $1 OR event_id = $1",
      take,
      id);
}

} // namespace troupe::why
