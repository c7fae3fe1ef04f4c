#include "nodes/commands/restore/histories.hpp"

#include "runtime/contains.hpp"

#include <algorithm>

namespace troupe {

namespace {

/// An older copy of a database gets its events again. If retention has deleted some of them, the
/// copy's own position counts, and the deleted events are skipped.
void reunite_with_deleted(
    const database_history& database, const journal_history& journal, events_reunion& plan) {
  if (!journal.cursor || journal.deleted_to <= database.highest) {
    return;
  }
  plan.then = *journal.cursor;
  for (std::size_t i = 0; i < database.handled.size(); ++i) {
    if (database.knows[i] && database.handled[i] < plan.then.reached[i]) {
      plan.found = events_reunion::finding::events_deleted;
      plan.shared = journal.deleted_to;
      plan.then.reached[i] = database.handled[i];
      plan.then.handled[i] = std::min(plan.then.handled[i], database.handled[i]);
    }
  }
}

} // namespace

void begin_at(broker::source_row& row, const store::outbox_mark& mark) {
  const bool is_mark = row.taken == mark.confirmed;
  row.taken_id = is_mark ? mark.id : uuid{};
  row.digest = is_mark ? mark.digest.value_or(0) : 0;
  row.digest_from = row.taken;
}

outbox_reunion
reunite_outbox(const database_history& database, const std::optional<broker::source_row>& taken) {
  outbox_reunion plan;
  plan.now = taken.value_or(broker::source_row{database.capability, database.instance, 0, {}});
  plan.fit = fit_of(
      {database.mark, database.newest, database.id_at_taken, database.digest_at_taken},
      {plan.now.taken, plan.now.taken_id, 0, plan.now.digest});
  plan.then = plan.now;
  if (plan.fit == outbox_fit::fits) {
    return plan;
  }
  const std::uint64_t before_oldest = database.oldest - 1;
  // Events confirmed earlier are not sent again if the journal has all of them.
  const bool has_confirmed =
      plan.fit == outbox_fit::database_is_older && database.mark.confirmed < plan.now.taken;
  plan.then.taken =
      has_confirmed ? std::max(before_oldest, database.mark.confirmed) : before_oldest;
  begin_at(plan.then, database.mark);
  if (plan.fit == outbox_fit::database_is_older) {
    plan.remembered = plan.now.taken - std::min(plan.now.taken, before_oldest);
  } else {
    plan.lost = before_oldest - std::min(before_oldest, plan.now.taken);
  }
  return plan;
}

events_reunion reunite_events(const database_history& database, const journal_history& journal) {
  events_reunion plan;
  if (!database.journal) {
    return plan;
  }
  if (*database.journal != journal.instance) {
    plan.found = events_reunion::finding::other_journal;
  } else if (
      database.highest > journal.last
      || !journal.lives.agrees_with(database.lives, database.highest)) {
    plan.found = events_reunion::finding::journal_is_older;
    plan.shared =
        database.lives.shared_with(journal.lives, std::min(database.highest, journal.last));
  } else {
    reunite_with_deleted(database, journal, plan);
    return plan;
  }
  std::ranges::copy_if(
      database.postponed, std::back_inserter(plan.lost), [&](std::uint64_t position) {
        return position > plan.shared;
      });
  return plan;
}

bool has_handled(
    const database_history& database, std::uint32_t partition, std::uint64_t position) {
  return database.handled[partition] >= position && !contains(database.postponed, position);
}

} // namespace troupe
