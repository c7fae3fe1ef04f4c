#pragma once

#include "runtime/broker/journal/batch.hpp"
#include "runtime/broker/journal/journal_options.hpp"
#include "runtime/broker/journal/retention.hpp"
#include "runtime/broker/journal/topic_book.hpp"
#include "runtime/clock.hpp"
#include "runtime/outcome.hpp"
#include "runtime/store/database.hpp"
#include "runtime/store/sqlite/turnstile.hpp"

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace troupe::broker {

/// The journal of events as its one writer has it: positions without gaps in the order of commits,
/// and what has to be known about them after any crash. JOURNAL.md has the tables and the reasons.
///
/// Holds the writers' lock of the database from opening to its end, so that a second broker is
/// refused. Used by one thread at a time. What is read, is read by `journal_reader`.
class journal_writer {
public:
  /// What happens to the client's ids that are remembered (runtime/wire/FORMAT.md, section 11).
  static constexpr std::uint64_t published_kept = 65'536;

  /// Opens, and if need be makes, the journal; `found` is what it knows. Takes a bounded time,
  /// whatever it holds.
  ///
  /// @errors `unavailable` (another broker has it, the disk is full), and those of `open_sqlite`.
  static outcome<std::unique_ptr<journal_writer>>
  open(const journal_options& options, const clock& time, journal_state& found);

  journal_writer(const journal_writer&) = delete;
  journal_writer& operator=(const journal_writer&) = delete;
  ~journal_writer();

  /// Writes a batch in one transaction; it is on disk when this returns.
  ///
  /// @errors `unavailable` (disk full, or a stranger has the database locked: nothing was written,
  /// a later try may succeed); `internal` with effect `unknown` or {fault: corrupt}: every later
  /// write is refused with the same error; `internal` otherwise: the batch is wrong, nothing was
  /// written.
  outcome<void> write(const journal_batch& batch);

  /// Of the last batch written: the ids of events it was to schedule under which others wait.
  const std::vector<uuid>& clashed() const { return clashed_; }

  /// Copies the WAL back where it is worth it. For when a batch has been answered.
  /// @errors as of `write`.
  outcome<void> checkpoint();

  /// The highest position given.
  std::uint64_t last() const { return last_; }

  /// Begins a sweep: from now on `sweep` deletes what these rules let go. One that is under way is
  /// given up.
  void begin_sweep(const retention& rules);

  struct sweep_slice {
    std::uint64_t deleted = 0;
    /// Topics of which nothing is kept any more, at the end of the sweep.
    std::vector<std::string> forgotten{};
    /// False: the sweep is over.
    bool has_more = false;
  };

  /// Looks at the next `sweep_rows` rows and deletes those that may go, in one transaction. The
  /// highest position always stays. The last slice also forgets topics: those without events,
  /// scheduled events and dead letters that no `retention_need` names, `sweep_rows` at most.
  /// @errors as of `write`; the sweep is then over.
  outcome<sweep_slice> sweep();

private:
  /// A topic that has something to let go.
  struct swept_topic {
    topic_entry* topic = nullptr;
    /// Events up to this time have had their time.
    std::int64_t cutoff = 0;
    /// Bytes beyond what the topic may have.
    std::uint64_t surplus = 0;
    /// Those above this position stay.
    std::uint64_t limit = 0;
    /// What the topic will be after the slice.
    topic_counters after{};
  };

  struct row_range {
    std::uint64_t first = 0;
    std::uint64_t last = 0;
  };

  journal_writer(
      journal_options options, store::turnstile gate, std::unique_ptr<store::database> session);

  void load(journal_state& found);
  void count_again();
  void load_published(std::vector<journal_state::published>& to);
  void load_progress(journal_state& found);
  void load_graves(journal_state& found);
  outcome<void> check(const journal_batch& batch) const;
  void write_all(const journal_batch& batch);
  std::vector<store::value>& begin_row(std::initializer_list<store::value> values);
  void write_events(const std::vector<event_ref>& events);
  void write_published(const std::vector<event_ref>& events);
  void write_progress(const journal_batch& batch);
  void write_letters(const journal_batch& batch);
  void write_scheduled(const journal_batch& batch);
  void write_counters();
  void written(const journal_batch& batch);
  /// Takes back what a transaction changed in memory, and says what to tell.
  error failed(const store::database_error& met, std::string_view doing);
  std::optional<swept_topic> swept(const topic_entry& topic, const retention& rules) const;
  std::uint64_t find_swept(std::vector<row_range>& ranges);
  swept_topic* swept_of(std::int64_t topic);
  void delete_swept(const std::vector<row_range>& ranges);
  void forget_topics(std::vector<std::string>& forgotten);

  journal_options options_;
  // Before the session: nobody else may write while it is there.
  store::turnstile gate_;
  std::unique_ptr<store::database> session_;
  topic_book topics_;
  std::uint64_t last_ = 0;
  /// Events up to this position are in the counters that are written down.
  std::uint64_t counted_ = 0;
  std::vector<uuid> clashed_;
  bool counters_written_ = false;
  /// Events that clients published ever, and below which number they are forgotten.
  std::uint64_t published_ = 0;
  std::uint64_t published_new_ = 0;
  std::uint64_t forgotten_ = 0;
  /// Why nothing can be written any more.
  std::optional<error> spent_;
  /// The topics of the batch, by event. Reused.
  std::vector<topic_entry*> written_;
  std::string entries_;
  std::vector<store::value> row_;
  /// The sweep under way; topics leave it as they come to their end.
  std::vector<swept_topic> sweeping_;
  /// Topics that somebody names; and with which number to go on looking for those to forget.
  std::set<std::string> named_;
  topic_book::number forgotten_to_ = 0;
};

} // namespace troupe::broker
