#include "runtime/broker/journal/writer.hpp"

#include "runtime/broker/journal/tables.hpp"
#include "runtime/fault_point.hpp"
#include "runtime/store/sqlite/database.hpp"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <utility>

// Writing; what is done at opening is in journal_opening.cpp, retention in journal_sweep.cpp.

namespace troupe::broker {

namespace {

/// Forgotten ids are deleted so many at a time, so that most commits have nothing to delete.
constexpr std::uint64_t forget_step = 1'024;

void append_big_endian(std::string& to, std::uint64_t number) {
  for (int shift = 56; shift >= 0; shift -= 8) {
    to += static_cast<char>(number >> shift & 0xff);
  }
}

std::string packed(const std::array<std::uint64_t, 64>& positions) {
  std::string bytes;
  for (const std::uint64_t each : positions) {
    append_big_endian(bytes, each);
  }
  return bytes;
}

} // namespace

outcome<void> journal_writer::write(const journal_batch& batch) {
  if (spent_) {
    return failure{*spent_};
  }
  if (auto sound = check(batch); !sound) {
    return sound;
  }
  try {
    store::transaction writing{*session_};
    write_all(batch);
    TROUPE_FAULT("journal.before_commit");
    writing.commit();
  } catch (const store::database_error& met) {
    return failure{failed(met, "write to the journal")};
  }
  TROUPE_FAULT("journal.committed");
  written(batch);
  return {};
}

outcome<void> journal_writer::checkpoint() {
  if (spent_) {
    return failure{*spent_};
  }
  try {
    session_->checkpoint();
  } catch (const store::database_error& met) {
    return failure{failed(met, "copy the journal's WAL back")};
  }
  return {};
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

void journal_writer::write_all(const journal_batch& batch) {
  if (last_ - counted_ + batch.events.size() >= options_.uncounted_max && last_ > counted_) {
    write_counters();
  }
  write_events(batch.events);
  write_published(batch.events);
  write_progress(batch);
  write_letters(batch);
  write_scheduled(batch);
}

/// The first values of a row to be inserted; all of it is borrowed until then.
std::vector<store::value>& journal_writer::begin_row(std::initializer_list<store::value> values) {
  row_ = values;
  return row_;
}

void journal_writer::write_events(const std::vector<event_ref>& events) {
  written_.clear();
  for (const event_ref& each : events) {
    const event& what = *each;
    written_.push_back(&topics_.named(what.topic, *session_));
    std::vector<store::value>& row = begin_row(
        {static_cast<std::int64_t>(what.position), std::int64_t{written_.back()->number}});
    append_event_columns(what, row);
    session_->run("INSERT INTO events VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)", row, {});
  }
}

/// The ids of clients, packed: a row for each batch instead of an index over all events.
void journal_writer::write_published(const std::vector<event_ref>& events) {
  entries_.clear();
  for (const event_ref& each : events) {
    if (each->digest != 0) {
      append_big_endian(entries_, each->position);
      entries_.append(reinterpret_cast<const char*>(each->id.bytes.data()), each->id.bytes.size());
      append_big_endian(entries_, each->digest);
    }
  }
  published_new_ = entries_.size() / 32;
  if (published_new_ == 0) {
    return;
  }
  const std::uint64_t upto = published_ + published_new_;
  session_->execute("INSERT INTO published VALUES ($1, $2)", upto, bytes_of(entries_));
  if (upto > published_kept && upto - published_kept >= forgotten_ + forget_step) {
    session_->execute("DELETE FROM published WHERE upto <= $1", upto - published_kept);
  }
}

void journal_writer::write_progress(const journal_batch& batch) {
  for (const source_row& each : batch.sources) {
    session_->execute(
        "INSERT INTO sources (capability, instance, taken, taken_id) VALUES ($1, $2, $3, $4) "
        "ON CONFLICT (capability, instance) DO UPDATE SET taken = excluded.taken, "
        "taken_id = excluded.taken_id",
        each.capability,
        each.instance,
        each.taken,
        each.taken_id);
  }
  for (const cursor_row& each : batch.cursors) {
    const std::string handled = packed(each.handled);
    const std::string reached = packed(each.reached);
    session_->execute(
        "INSERT INTO cursors (capability, handled, reached) VALUES ($1, $2, $3) "
        "ON CONFLICT (capability) DO UPDATE SET handled = excluded.handled, "
        "reached = excluded.reached",
        each.capability,
        bytes_of(handled),
        bytes_of(reached));
  }
}

void journal_writer::write_letters(const journal_batch& batch) {
  for (const uuid& each : batch.exhumed) {
    session_->execute("DELETE FROM dead_letters WHERE id = $1", each);
  }
  for (const dead_letter& each : batch.buried) {
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
    session_->run(
        "INSERT INTO dead_letters VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, "
        "$14, $15, $16, $17, $18, $19) ON CONFLICT DO NOTHING",
        row,
        {});
  }
}

void journal_writer::write_scheduled(const journal_batch& batch) {
  clashed_.clear();
  for (const scheduled_event& each : batch.scheduled) {
    (void)topics_.named(
        each.what->topic, *session_); // So that there is room for it when it is due.
    std::vector<store::value>& row =
        begin_row({store::blob{each.id.view()}, each.due_at, each.what->topic});
    append_event_columns(*each.what, row);
    const bool is_new = session_->run(
                            "INSERT INTO scheduled VALUES "
                            "($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT DO NOTHING",
                            row,
                            {})
                        == 1;
    if (!is_new
        && session_->integer_of(
               "SELECT topic = $2 AND COALESCE(key, '') = $3 AND body = $4 FROM scheduled "
               "WHERE id = $1",
               each.id,
               each.what->topic,
               each.what->key,
               bytes_of(each.what->body))
               != 1) {
      clashed_.push_back(each.id);
    }
  }
  for (const uuid& each : batch.fired) {
    session_->execute("DELETE FROM scheduled WHERE id = $1", each);
  }
}

/// What is in memory is what was committed: the counters never run ahead of the events.
void journal_writer::write_counters() {
  topics_.flush(*session_);
  session_->execute("UPDATE journal SET counted = $1", last_);
  counters_written_ = true;
}

void journal_writer::written(const journal_batch& batch) {
  topics_.keep();
  if (std::exchange(counters_written_, false)) {
    topics_.flushed();
    counted_ = last_;
  }
  for (std::size_t i = 0; i < batch.events.size(); ++i) {
    const event& what = *batch.events[i];
    written_[i]->counters.count(what.position, what.time, what.body.size());
    written_[i]->changed = true;
  }
  last_ += batch.events.size();
  published_ += std::exchange(published_new_, 0);
  if (published_ > published_kept && published_ - published_kept >= forgotten_ + forget_step) {
    forgotten_ = published_ - published_kept;
  }
}

error journal_writer::failed(const store::database_error& met, std::string_view doing) {
  topics_.take_back();
  counters_written_ = false;
  published_new_ = 0;
  error found = journal_error(met, doing);
  switch (met.kind) {
  case store::database_fault::corrupt:
  case store::database_fault::io:
  case store::database_fault::fsync:
    // What the disk has is unknown, so that no position may be given any more.
    spent_ = found;
    spent_->message += "; nothing is written until the broker is started anew";
    break;
  default:
    break;
  }
  return found;
}

} // namespace troupe::broker
