#pragma once

#include "runtime/broker/journal/batch.hpp"
#include "runtime/broker/journal/fence.hpp"
#include "runtime/broker/journal/journal_options.hpp"
#include "runtime/broker/journal/published_ids.hpp"
#include "runtime/broker/journal/topic_book.hpp"
#include "runtime/clock.hpp"
#include "runtime/outcome.hpp"
#include "runtime/store/database.hpp"
#include "runtime/store/sqlite/turnstile.hpp"

#include <memory>
#include <optional>

// The steps by which the journal's writer is opened: `journal_writer::open` and its constructor
// call them in this order.

namespace troupe::broker {

/// A journal's database, brought up to date, with the lock of its file, or the lease of a shared
/// journal, which excludes other writers. The database is closed before the lock is released.
struct writing_session {
  std::optional<store::turnstile> gate;
  std::unique_ptr<store::database> database;
  journal_fence fence;
};

/// @errors `unavailable` (another broker has the journal, the disk is full), `conflict` (another
/// broker was faster to take it), and those of `open_sqlite` or of `shared_journal::connect`.
outcome<writing_session> open_for_writing(const journal_options& options, const clock& time);

/// A journal in a file, locked against other writers, and not brought up to date.
struct locked_journal {
  store::turnstile gate;
  std::unique_ptr<store::database> database;
};

/// @errors `unavailable`: another broker has it; those of `open_sqlite`.
outcome<locked_journal> open_locked(const journal_options& options);

/// Reads the state of a journal except its lives, including the counters of topics and the ids of
/// clients. Renews the lease meanwhile. Throws database_error.
/// @return the highest assigned position.
std::uint64_t load_all(
    store::database& session,
    journal_fence& fence,
    topic_book& topics,
    published_ids& published,
    journal_state& to);

/// Reads the state that the opening of a journal would find, and changes nothing: it begins no life
/// of the journal, and takes no lease. Tables of an earlier release are read as this one would
/// migrate them.
/// @errors of `open_for_writing`.
outcome<journal_state> look_at_journal(const journal_options& options, const clock& time);

/// Reads the progress of outboxes and capabilities: `sources`, `cursors`, `dead_letters` and
/// `next_due`. Throws database_error.
void load_progress(store::database& session, journal_fence& fence, journal_state& to);

/// Begins a life of the journal, durably: counts this opening (unless taking a lease has done so),
/// and records the life that writes the positions above `to.last`. Sets `generation` and `lives`.
/// Throws database_error.
void begin_life(store::database& session, journal_fence& fence, const uuid& id, journal_state& to);

/// The stored lives. Throws database_error.
lineage load_lives(store::database& session);

} // namespace troupe::broker
