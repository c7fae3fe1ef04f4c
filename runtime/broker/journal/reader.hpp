#pragma once

#include "runtime/broker/journal/journal_options.hpp"
#include "runtime/broker/journal/questions.hpp"
#include "runtime/clock.hpp"
#include "runtime/outcome.hpp"
#include "runtime/store/database.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>

namespace troupe::broker {

/// Answers requests about a journal, from its own reading session beside `journal_writer`. An
/// answer includes every batch that was written before the request, and takes a bounded time.
///
/// Used by one thread at a time.
class journal_reader {
public:
  /// @errors of `open_sqlite`; the journal must exist.
  static outcome<std::unique_ptr<journal_reader>> open(const journal_options& options);

  /// Reconnects if the server was lost, not more often than each 100 ms.
  ///
  /// @errors `unavailable` (another process has the database locked, the server is away),
  /// `internal`.
  outcome<journal_result> answer(const journal_question& question);

  // The answers to the requests. They throw database_error.
  events_page operator()(const ask_events& asked);
  positions_found operator()(const ask_positions& asked);
  position_found operator()(const ask_time& asked);
  lag_counted operator()(const ask_lag& asked);
  topics_counted operator()(const ask_topics& asked);
  dead_letters_page operator()(const ask_dead_letters& asked);
  dead_letter_found operator()(const ask_dead_letter& asked);
  dead_letters_counted operator()(const ask_dead_letter_counts& asked);
  due_found operator()(const ask_due& asked);
  scheduled_page operator()(const ask_scheduled& asked);
  scheduled_event_found operator()(const ask_scheduled_event& asked);

private:
  /// The positions above `after` that one request scans.
  struct stretch {
    std::uint64_t from = 0;
    std::uint64_t to = 0;
    std::uint64_t last = 0;
    bool is_empty = true;
  };

  journal_reader(const journal_options& options, std::unique_ptr<store::database> session)
      : place_{options.shared}, session_{std::move(session)}, scan_max_{options.scan_max} {}

  void connect_if_lost();
  std::optional<dead_letter> letter(const uuid& id);

  events_page read_page(const ask_events& asked);
  std::uint64_t last();
  std::uint64_t changed_by(const std::optional<uuid>& order);
  stretch stretch_above(std::uint64_t after, std::uint64_t scan_max);
  void learn_topics();
  /// The condition " AND topic IN (1,7)" for these patterns; empty if they match all topics,
  /// nothing if they match none.
  std::optional<std::string> topics_meant(std::span<const std::string> patterns);
  event_ref event_of(const store::row& row);

  std::optional<shared_journal> place_;
  std::unique_ptr<store::database> session_;
  instant connects_at_{}; // Not before.
  std::uint64_t scan_max_;
  std::map<std::uint32_t, std::string> topics_;
  /// The number of topics at which they are read again, to drop forgotten ones.
  std::size_t topics_read_anew_ = 0;
};

} // namespace troupe::broker
