#include "runtime/broker/journal/writer.hpp"

#include "runtime/broker/journal/tables.hpp"
#include "runtime/fault_point.hpp"
#include "runtime/store/sqlite/database.hpp"
#include "runtime/wire/journal_calls.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <utility>

namespace troupe::broker {

namespace {

/// Orders of people, of each kind: older ones are forgotten.
constexpr std::int64_t orders_kept = 65'536;

/// The wait for another broker to take the journal over.
constexpr milliseconds lost_retry{100};

/// Whether an error of a shared journal left everything as it was, and memory right.
bool is_undone(const store::database_error& met, const journal_fence& fence) {
  switch (met.kind) {
  case store::database_fault::full:
  case store::database_fault::busy:
  case store::database_fault::too_long:
  case store::database_fault::schema:
    return !fence.is_passed();
  default:
    // For example an existing position, an ended connection, an unknown outcome.
    return false;
  }
}

/// The error of a lost shared journal: the broker that reopens it, and then knows its content,
/// writes the next batches. Publishers ask again.
error lost(error why) {
  why.code = errc::unavailable;
  why.possible = effect::unknown;
  why.retry_after = lost_retry;
  why.details = {
      {"broker", "nobody"}, {"endpoint", ""}, {"reason", std::string{wire::journal_elsewhere}}};
  return why;
}

bool is_cancelled(store::database& database, const uuid& id) {
  return database.integer_of("SELECT 1 FROM cancelled WHERE id = $1", id).has_value();
}

} // namespace

outcome<std::unique_ptr<journal_writer>>
journal_writer::open(const journal_options& options, const clock& time, journal_state& found) {
  TROUPE_TRY(auto session, open_for_writing(options, time));
  std::unique_ptr<journal_writer> opened{new journal_writer{options, time, std::move(session)}};
  try {
    opened->load(found, uuid_source{}.next(time.wall()));
  } catch (const store::database_error& met) {
    return failure{journal_error(met, fmt::format("open the journal {}", options.path))};
  }
  return opened;
}

journal_writer::journal_writer(
    const journal_options& options, const clock& time, writing_session session)
    : time_{time}, uncounted_max_{options.uncounted_max}, session_{std::move(session)},
      database_{*session_.database}, sweep_{
                                         database_, session_.fence, topics_, options.sweep_rows} {
}

void journal_writer::load(journal_state& found, const uuid& life) {
  last_ = load_all(database_, session_.fence, topics_, published_, found);
  begin_life(database_, session_.fence, life, found);
}

outcome<void> journal_writer::write(const journal_batch& batch) {
  if (spent_) {
    return failure{*spent_};
  }
  TROUPE_CHECK(check(batch));
  const instant began = time_.now();
  try {
    store::transaction writing{database_};
    session_.fence.check();
    if (last_ > topics_.counted()
        && last_ - topics_.counted() + batch.events.size() >= uncounted_max_) {
      topics_.write_counters(database_, last_);
    }
    write_rewinds(batch);
    write_events(batch.events);
    published_.write(database_, batch.events);
    write_progress(batch);
    write_dead_letters(batch);
    write_scheduled(batch);
    write_cancelled(batch.cancelled);
    TROUPE_FAULT("journal.before_commit");
    writing.commit();
    commits_.record(time_.now() - began);
  } catch (const store::database_error& met) {
    return failure{take_back(met, "write to the journal")};
  }
  TROUPE_FAULT("journal.committed");
  keep(batch);
  return {};
}

outcome<void> journal_writer::checkpoint() {
  return copy_back(&store::database::checkpoint);
}

outcome<void> journal_writer::checkpoint_all() {
  return copy_back(&store::database::checkpoint_all);
}

outcome<void> journal_writer::copy_back(void (store::database::*how)()) {
  if (spent_) {
    return failure{*spent_};
  }
  try {
    (database_.*how)();
  } catch (const store::database_error& met) {
    return failure{take_back(met, "copy the journal's WAL back")};
  }
  return {};
}

outcome<event_sweep::slice> journal_writer::sweep() {
  if (spent_) {
    return failure{*spent_};
  }
  try {
    return sweep_.advance(last_);
  } catch (const store::database_error& met) {
    sweep_.stop();
    return failure{take_back(met, "delete old events from the journal")};
  }
}

outcome<void> journal_writer::check(const journal_batch& batch) const {
  std::uint64_t expected = last_;
  for (const event_ref& each : batch.events) {
    if (each->position != ++expected) {
      return failure{internal_error(
          fmt::format("the journal was given position {} after {}", each->position, expected - 1))};
    }
  }
  return {};
}

/// A row with these first values. All values are borrowed until the row is inserted.
std::vector<store::value>& journal_writer::begin_row(std::initializer_list<store::value> values) {
  row_ = values;
  return row_;
}

void journal_writer::write_events(const std::vector<event_ref>& events) {
  topic_of_.clear();
  for (const event_ref& each : events) {
    const event& what = *each;
    topic_of_.push_back(&topics_.named(what.topic, database_));
    std::vector<store::value>& row = begin_row(
        {static_cast<std::int64_t>(what.position), std::int64_t{topic_of_.back()->number}});
    append_event_columns(what, row);
    (void)database_.change(
        "INSERT INTO events VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)", row);
  }
}

void journal_writer::write_rewinds(const journal_batch& batch) {
  for (const rewind& each : batch.rewinds) {
    database_.execute(
        "INSERT INTO rewound (capability, instance, id) SELECT source, $2, id FROM events "
        "WHERE source = $1 AND digest IS NULL AND only_for IS NULL ORDER BY position DESC LIMIT $3 "
        "ON CONFLICT DO NOTHING",
        each.capability,
        each.instance,
        each.events);
  }
}

void journal_writer::write_progress(const journal_batch& batch) {
  for (const source_row& each : batch.sources) {
    database_.execute(
        "INSERT INTO sources (capability, instance, taken, taken_id, digest, digest_from, "
        "digest_to) "
        "VALUES ($1, $2, $3, $4, $5, $6, $3) "
        "ON CONFLICT (capability, instance) DO UPDATE SET taken = excluded.taken, "
        "taken_id = excluded.taken_id, digest = excluded.digest, "
        "digest_from = excluded.digest_from, digest_to = excluded.digest_to",
        each.capability,
        each.instance,
        each.taken,
        each.taken_id,
        each.digest,
        each.digest_from);
  }
  for (const cursor_row& each : batch.cursors) {
    const std::string handled = packed(each.handled);
    const std::string reached = packed(each.reached);
    database_.execute(
        "INSERT INTO cursors (capability, handled, reached) VALUES ($1, $2, $3) "
        "ON CONFLICT (capability) DO UPDATE SET handled = excluded.handled, "
        "reached = excluded.reached",
        each.capability,
        bytes_of(handled),
        bytes_of(reached));
  }
}

void journal_writer::write_dead_letters(const journal_batch& batch) {
  refused_ = {};
  for (const uuid& each : batch.dropped) {
    database_.execute("DELETE FROM dead_letters WHERE id = $1", each);
  }
  for (const letter_order& each : batch.letter_orders) {
    database_.execute(
        "INSERT INTO letter_orders (request, letters) VALUES ($1, $2) "
        "ON CONFLICT (request) DO UPDATE SET letters = excluded.letters",
        each.request,
        each.letters);
  }
  if (!batch.letter_orders.empty()) {
    database_.execute(
        "DELETE FROM letter_orders WHERE n <= (SELECT max(n) FROM letter_orders) - $1",
        orders_kept);
  }
  for (const dead_letter& each : batch.dead_letters) {
    if (each.may_be_decided
        && database_.integer_of("SELECT 1 FROM letter_orders WHERE request = $1", each.id)) {
      refused_.decided.push_back(each.id);
      continue;
    }
    std::vector<store::value>& row = begin_row(
        {store::blob{each.id.view()},
         each.capability,
         static_cast<std::int64_t>(each.what->position),
         each.what->topic});
    append_event_columns(*each.what, row);
    row.insert(
        row.end(),
        {each.cause,
         each.error,
         std::int64_t{each.attempts},
         each.first_at,
         each.last_at,
         each.node,
         std::int64_t{each.replica}});
    (void)database_.change(
        "INSERT INTO dead_letters VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, "
        "$14, $15, $16, $17, $18, $19) ON CONFLICT DO NOTHING",
        row);
  }
}

void journal_writer::write_scheduled(const journal_batch& batch) {
  for (const scheduled_event& each : batch.scheduled) {
    if (is_cancelled(database_, each.id)) {
      refused_.cancelled.push_back(each.id);
      continue;
    }
    // Makes the topic known, so that there is room for it when the event is due.
    (void)topics_.named(each.what->topic, database_);
    std::vector<store::value>& row =
        begin_row({store::blob{each.id.view()}, each.due_at, each.what->topic});
    append_event_columns(*each.what, row);
    const bool is_new = database_.run(
                            "INSERT INTO scheduled VALUES "
                            "($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT DO NOTHING",
                            row,
                            {})
                        == 1;
    if (!is_new
        && database_.integer_of(
               "SELECT topic = $2 AND COALESCE(key, '') = $3 AND body = $4 FROM scheduled "
               "WHERE id = $1",
               each.id,
               each.what->topic,
               each.what->key,
               bytes_of(each.what->body))
               != 1) {
      refused_.clashed.push_back(each.id);
    }
  }
  for (const uuid& each : batch.fired) {
    database_.execute("DELETE FROM scheduled WHERE id = $1", each);
  }
}

void journal_writer::write_cancelled(const std::vector<cancellation>& orders) {
  for (const cancellation& each : orders) {
    database_.execute(
        "INSERT INTO cancelled (id, due_at, topic, key, at, request, who, why) "
        "SELECT id, due_at, topic, key, $2, $3, $4, $5 FROM scheduled WHERE id = $1 "
        "ON CONFLICT DO NOTHING",
        each.id,
        each.at,
        each.request,
        each.who,
        each.why);
    database_.execute("DELETE FROM scheduled WHERE id = $1", each.id);
  }
  if (!orders.empty()) {
    database_.execute(
        "DELETE FROM cancelled WHERE n <= (SELECT max(n) FROM cancelled) - $1", orders_kept);
  }
}

/// The batch is on disk: brings memory up to date.
void journal_writer::keep(const journal_batch& batch) {
  topics_.keep();
  published_.keep();
  for (std::size_t i = 0; i < batch.events.size(); ++i) {
    const event& what = *batch.events[i];
    topic_of_[i]->counters.count(what.position, what.time, what.body.size());
    topic_of_[i]->changed = true;
  }
  last_ += batch.events.size();
}

/// A transaction failed: takes back what it changed in memory. @return the error of whoever asked.
error journal_writer::take_back(const store::database_error& met, std::string_view doing) {
  topics_.take_back();
  published_.take_back();
  error found = journal_error(met, doing);
  if (session_.fence.is_shared()) {
    if (is_undone(met, session_.fence)) {
      return found;
    }
    spent_ = lost(std::move(found));
    return *spent_;
  }
  switch (met.kind) {
  case store::database_fault::corrupt:
  case store::database_fault::io:
  case store::database_fault::fsync:
    // The state of the disk is unknown, so that no position may be given any more.
    spent_ = found;
    spent_->message += "; nothing is written until the broker is started anew";
    break;
  default:
    break;
  }
  return found;
}

} // namespace troupe::broker
