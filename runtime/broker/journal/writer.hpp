#pragma once

#include "runtime/broker/journal/batch.hpp"
#include "runtime/broker/journal/journal_options.hpp"
#include "runtime/broker/journal/opening.hpp"
#include "runtime/broker/journal/published_ids.hpp"
#include "runtime/broker/journal/sweep.hpp"
#include "runtime/broker/journal/topic_book.hpp"
#include "runtime/clock.hpp"
#include "runtime/observe/histogram.hpp"
#include "runtime/outcome.hpp"

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

namespace troupe::broker {

/// The one writer of the journal of events: assigns positions without gaps in the order of commits,
/// and stores with them the state that a broker needs after a crash. README.md has the tables and
/// the reasons; `journal_reader` reads.
///
/// Holds the writers' lock of the database as long as it lives, so that a second broker is refused;
/// or, for a shared journal, writes only as long as no other broker has taken it (`journal_fence`).
/// Used by one thread at a time.
class journal_writer {
public:
  /// Opens the journal, and creates it if it is missing; `found` gets its state. Takes a bounded
  /// time, however much the journal holds.
  ///
  /// @errors of `open_for_writing`.
  static outcome<std::unique_ptr<journal_writer>>
  open(const journal_options& options, const clock& time, journal_state& found);

  journal_writer(const journal_writer&) = delete;
  journal_writer& operator=(const journal_writer&) = delete;
  ~journal_writer() = default;

  /// Writes a batch in one transaction; it is on disk when this returns.
  ///
  /// @errors `unavailable` (disk full, or another process has the database locked: nothing was
  /// written, a later attempt may succeed); `internal` with effect `unknown` or {fault: corrupt}:
  /// every later write is refused with the same error; `internal` otherwise: the batch is wrong,
  /// nothing was written. For a shared journal, `unavailable` for any other failure: it is lost.
  outcome<void> write(const journal_batch& batch);

  /// Whether a shared journal must be reopened, by this broker or another: its lease has ended,
  /// or it is unknown what was written.
  bool is_lost() const { return session_.fence.is_shared() && spent_.has_value(); }

  /// The events that the last batch has not scheduled.
  const refused_rows& refused() const { return refused_; }

  /// Copies the WAL back if that is worth it; called once a batch has been answered.
  /// @errors as of `write`.
  outcome<void> checkpoint();

  /// Copies all of the WAL back, at the end.
  /// @errors as `checkpoint`.
  outcome<void> checkpoint_all();

  /// The times of batches until they were on disk. Any thread.
  observe::histogram commits() const { return commits_; }

  /// The pages of the WAL to copy back; 0 if it is not worth it.
  std::int64_t pages_to_copy() const { return database_.checkpoint_due(); }

  /// The highest assigned position.
  std::uint64_t last() const { return last_; }

  /// Begins a sweep by these rules, which `sweep` carries out; a running one is abandoned.
  void begin_sweep(const retention& rules) { sweep_.begin(rules, last_); }

  /// The next slice of the sweep (`event_sweep::advance`).
  /// @errors as of `write`; the sweep has then ended.
  outcome<event_sweep::slice> sweep();

private:
  journal_writer(const journal_options& options, const clock& time, writing_session session);

  void load(journal_state& found, const uuid& life);
  outcome<void> check(const journal_batch& batch) const;
  std::vector<store::value>& begin_row(std::initializer_list<store::value> values);
  void write_events(const std::vector<event_ref>& events);
  void write_rewinds(const journal_batch& batch);
  void write_progress(const journal_batch& batch);
  void write_dead_letters(const journal_batch& batch);
  void write_scheduled(const journal_batch& batch);
  void write_cancelled(const std::vector<cancellation>& orders);
  void keep(const journal_batch& batch);
  outcome<void> copy_back(void (store::database::*how)());
  error take_back(const store::database_error& met, std::string_view doing);

  const clock& time_;
  std::size_t uncounted_max_;
  writing_session session_;
  store::database& database_; // Of `session_`.
  topic_book topics_;
  published_ids published_;
  event_sweep sweep_;
  std::uint64_t last_ = 0;
  observe::histogram commits_;
  refused_rows refused_;
  std::optional<error> spent_;         // Why nothing can be written any more.
  std::vector<topic_entry*> topic_of_; // The topic of each event of the batch. Reused.
  std::vector<store::value> row_;      // Reused.
};

} // namespace troupe::broker
