#include "runtime/broker/journal/opening.hpp"

#include "runtime/broker/journal/tables.hpp"
#include "runtime/store/migrations.hpp"
#include "runtime/store/sqlite/database.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <utility>

namespace troupe::broker {

namespace {

/// Dead letters of one capability that are read, at most.
constexpr std::int64_t dead_letters_max = 65'536;

error refused(const std::string& path, error why) {
  // The lock's errors have no `fault`, those of the database have one.
  if (why.code == errc::unavailable && why.detail("fault").empty()) {
    why.message = fmt::format(
        "cannot open the journal {}: another broker has it, and it takes one ({})",
        path,
        why.message);
  }
  return why;
}

void load_dead_letters(store::database& session, journal_fence& fence, journal_state& to) {
  // Goes from one capability to the next without reading all dead letters of each.
  std::string capability;
  while (auto next = session.text_of(
             "SELECT min(capability) FROM dead_letters WHERE capability > $1", capability)) {
    capability = std::move(*next);
    const auto cursor = std::ranges::find(to.cursors, capability, &cursor_row::capability);
    // Below the lowest cursor it makes no difference whether an event was handled or given up.
    const std::uint64_t above = cursor == to.cursors.end() ? 0 : std::ranges::min(cursor->handled);
    session.query(
        "SELECT position FROM dead_letters WHERE capability = $1 AND position > $2 "
        "ORDER BY position LIMIT $3",
        [&](const store::row& row) {
          to.dead_letters.push_back({capability, static_cast<std::uint64_t>(row.integer(0))});
        },
        capability,
        above,
        dead_letters_max);
    fence.keep();
  }
}

outcome<writing_session> open_shared(const shared_journal& options, const clock& time) {
  TROUPE_TRY(auto session, options.connect());
  lease_table table{*session, *options.dialect};
  try {
    if (!table.take(
            options.seen, options.owner, options.name, options.endpoint, options.opening_lease)) {
      return failure{
          {.code = errc::conflict, .message = "another broker was faster to take the journal"}};
    }
  } catch (const store::database_error& met) {
    if (met.kind == store::database_fault::busy) {
      // The owner has the row in a transaction: it may be stopped in the middle of sending it.
      try {
        session->end_stalled_writer();
      } catch (const store::database_error&) { // The next try meets it, too.
      }
    }
    return failure{journal_error(met, "take the journal")};
  }
  return writing_session{
      std::nullopt,
      std::move(session),
      journal_fence{
          std::move(table),
          options.seen.generation + 1,
          options.lease,
          options.opening_lease,
          time}};
}

} // namespace

outcome<locked_journal> open_locked(const journal_options& options) {
  store::sqlite_options how = options.sqlite;
  how.capability = journal_component;
  how.read_only = false;
  how.lock_patience = options.patience;
  auto session = store::open_sqlite(options.path, how);
  if (!session) {
    return failure{refused(options.path, std::move(session.error()))};
  }
  TROUPE_TRY(auto gate, store::turnstile::open(options.path));
  if (auto locked = gate.lock(options.patience); !locked) {
    return failure{refused(options.path, std::move(locked.error()))};
  }
  return locked_journal{std::move(gate), std::move(*session)};
}

outcome<writing_session> open_for_writing(const journal_options& options, const clock& time) {
  if (options.shared) {
    return open_shared(*options.shared, time);
  }
  TROUPE_TRY(auto locked, open_locked(options));
  TROUPE_CHECK(store::migrate(*locked.database, time, journal_components()));
  return writing_session{std::move(locked.gate), std::move(locked.database), {}};
}

std::uint64_t load_all(
    store::database& session,
    journal_fence& fence,
    topic_book& topics,
    published_ids& published,
    journal_state& to) {
  to = {};
  to.instance = session.instance();
  to.last = topics.load(session);
  fence.keep();
  to.recent = published.load(session);
  fence.keep();
  if (!to.recent.empty()) {
    to.last = std::max(to.last, to.recent.back().position);
  }
  for (const auto& [number, topic] : topics.all()) {
    to.topics.push_back(topic.name);
  }
  load_progress(session, fence, to);
  return to.last;
}

outcome<journal_state> look_at_journal(const journal_options& options, const clock& time) {
  std::optional<store::turnstile> gate;
  std::unique_ptr<store::database> session; // Closed before the lock is given back.
  if (options.shared) {
    TROUPE_TRY(session, options.shared->connect());
  } else {
    TROUPE_TRY(auto locked, open_locked(options));
    gate.emplace(std::move(locked.gate));
    session = std::move(locked.database);
  }
  journal_state found;
  try {
    const store::transaction taken_back{*session};
    TROUPE_CHECK(store::migrate_within(
        *session, time, options.shared ? shared_journal_components() : journal_components()));
    topic_book topics;
    published_ids published;
    journal_fence none;
    (void)load_all(*session, none, topics, published, found);
    found.lives = load_lives(*session);
  } catch (const store::database_error& met) {
    return failure{journal_error(met, fmt::format("read the journal {}", options.path))};
  }
  return found;
}

void load_progress(store::database& session, journal_fence& fence, journal_state& to) {
  session.query(
      "SELECT capability, instance, taken, taken_id, "
      "CASE WHEN digest_to = taken THEN digest ELSE 0 END, "
      "CASE WHEN digest_to = taken THEN digest_from ELSE taken END FROM sources "
      "ORDER BY capability, instance",
      [&](const store::row& row) {
        to.sources.push_back(
            {std::string{row.text(0)},
             row.id(1),
             static_cast<std::uint64_t>(row.integer(2)),
             row.id(3),
             static_cast<std::uint64_t>(row.integer(4)),
             static_cast<std::uint64_t>(row.integer(5))});
      });
  fence.keep();
  session.query(
      "SELECT capability, handled, reached FROM cursors ORDER BY capability",
      [&](const store::row& row) {
        cursor_row& added = to.cursors.emplace_back();
        added.capability = row.text(0);
        unpack(row.bytes(1), added.handled);
        if (!row.is_null(2)) {
          unpack(row.bytes(2), added.reached);
        }
      });
  fence.keep();
  session.query("SELECT capability, instance, id FROM rewound", [&](const store::row& row) {
    to.rewound.push_back({std::string{row.text(0)}, row.id(1), row.id(2)});
  });
  fence.keep();
  load_dead_letters(session, fence, to);
  session.query("SELECT topic, upto FROM deleted", [&](const store::row& row) {
    to.deletions.push_back({std::string{row.text(0)}, static_cast<std::uint64_t>(row.integer(1))});
  });
  fence.keep();
  to.next_due = session.integer_of("SELECT min(due_at) FROM scheduled");
  fence.keep();
  to.settled = session.integer_of("SELECT time FROM settled WHERE time > 0").value_or(0);
  if (to.settled == 0) { // Nothing was swept yet.
    to.settled =
        session.integer_of("SELECT time FROM events ORDER BY position DESC LIMIT 1").value_or(0);
  }
  fence.keep();
}

void begin_life(store::database& session, journal_fence& fence, const uuid& id, journal_state& to) {
  store::transaction writing{session};
  fence.check();
  if (!fence.is_shared()) {
    session.execute("UPDATE journal SET generation = generation + 1");
  }
  const auto raised = session.integer_of("SELECT generation FROM journal").value_or(0);
  // A life that wrote nothing gives its place to the next.
  session.execute(
      "INSERT INTO lives (first, id) VALUES ($1, $2) "
      "ON CONFLICT (first) DO UPDATE SET id = excluded.id",
      to.last + 1,
      id);
  to.lives = load_lives(session);
  writing.commit();
  to.generation = static_cast<std::uint64_t>(raised);
}

lineage load_lives(store::database& session) {
  std::vector<journal_life> found;
  session.query("SELECT first, id FROM lives ORDER BY first", [&](const store::row& row) {
    found.push_back({row.id(1), static_cast<std::uint64_t>(row.integer(0))});
  });
  return lineage{std::move(found)};
}

} // namespace troupe::broker
