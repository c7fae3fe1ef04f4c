#pragma once

#include "runtime/broker/journal/batch.hpp"
#include "runtime/ids.hpp"
#include "runtime/outcome.hpp"

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <variant>
#include <vector>

// The requests that the journal's reader answers, each followed by its answer. Times are
// milliseconds since 1970 (UTC); patterns are topics, `PREFIX.*` or `*`.

namespace troupe::broker {

/// The events of some topics, in order of position.
struct ask_events {
  /// Only events above this position.
  std::uint64_t after = 0;
  /// The page ends after this many events, 1 or more, or this many bytes.
  std::size_t count_max = 1'000;
  std::size_t bytes_max = 4U << 20U;
  std::vector<std::string> patterns{};
  /// Whether the page must say how far retention has deleted.
  bool tells_deleted = false;
};

struct events_page {
  std::vector<event_ref> events{};
  /// The `after` of the next page: every event up to here was scanned.
  std::uint64_t scanned = 0;
  /// The last assigned position when the page was read. The page is the last one if `scanned`
  /// equals it.
  std::uint64_t last = 0;
  /// The highest position above `after` at which an event of these topics, or of a forgotten topic,
  /// was deleted; 0 if none was, or if not requested.
  std::uint64_t deleted_to = 0;
};

/// The events at these positions.
struct ask_positions {
  std::vector<std::uint64_t> positions{};
  /// The answer ends after this many bytes; it has at least one event.
  std::size_t bytes_max = 4U << 20U;
};

struct positions_found {
  std::vector<event_ref> events{};
  /// No longer in the journal.
  std::vector<std::uint64_t> missing{};
  /// Positions that were not read any more: for the next request.
  std::vector<std::uint64_t> rest{};
};

/// The position after which the events since `time` begin, for `ask_events`. Found by binary
/// search: wrong where the wall clock ran backwards.
struct ask_time {
  std::int64_t time = 0;
};

struct position_found {
  std::uint64_t after = 0;
};

/// The number of events of some topics above a position.
struct ask_lag {
  std::uint64_t after = 0;
  std::vector<std::string> patterns{};
  /// The most positions to scan.
  std::uint64_t scan_max = 200'000;
};

struct lag_counted {
  std::uint64_t events = 0;
  /// False: there may be more.
  bool is_all = true;
  /// The time at which the first of them was journaled; 0 if there is none.
  std::int64_t oldest_time = 0;
};

struct ask_topics {};

struct topic_counts {
  std::string topic{};
  /// The kept events, and the bytes of their bodies.
  std::uint64_t events = 0;
  std::uint64_t bytes = 0;
  /// Events ever published.
  std::uint64_t total = 0;
  /// The oldest kept event: its position is at least this (exact unless a sweep is running); 0 if
  /// none is kept.
  std::uint64_t first = 0;
  std::int64_t first_time = 0;
  /// The newest event ever.
  std::uint64_t last = 0;
  std::int64_t last_time = 0;
  /// Scheduled events, and the time at which the first of them is due; 0 if there are none.
  std::uint64_t scheduled = 0;
  std::int64_t next_due = 0;
};

struct topics_counted {
  std::vector<topic_counts> topics{};
  std::uint64_t last = 0;
};

/// Dead letters in order of their ids, which is their order of creation.
struct ask_dead_letters {
  /// Of this capability and cause, and of topics of this pattern; of all if empty.
  std::string capability{};
  std::string cause{};
  std::string pattern{};
  /// Given up at `since` or later, and earlier than `before`.
  std::int64_t since = 0;
  std::int64_t before = std::numeric_limits<std::int64_t>::max();
  /// Only letters after this one.
  std::optional<uuid> after{};
  std::size_t count_max = 100;
  std::size_t bytes_max = 4U << 20U;
  /// The order on whose behalf they are read.
  std::optional<uuid> order{};
};

struct dead_letters_page {
  std::vector<dead_letter> dead_letters{};
  /// Whether there are more after the last one.
  bool has_more = false;
  /// The number of letters that the order has changed so far, if it is a repeat.
  std::uint64_t changed = 0;
};

struct ask_dead_letter {
  uuid id{};
  /// The order on whose behalf it is read.
  std::optional<uuid> order{};
};

struct dead_letter_found {
  std::optional<dead_letter> what{};
  /// The number of letters that the order has changed, if it is a repeat.
  std::uint64_t changed = 0;
};

/// The numbers of dead letters, by capability, and of scheduled events.
struct ask_dead_letter_counts {};

struct dead_letters_counted {
  struct count {
    std::string capability;
    std::uint64_t dead_letters = 0;
  };

  std::vector<count> capabilities{};
  std::uint64_t scheduled = 0;
};

/// Scheduled events that are due, earliest first.
struct ask_due {
  std::int64_t now = 0;
  /// The answer ends after this many events, 1 or more, or before their bodies exceed this many
  /// bytes; one event may have any size.
  std::size_t count_max = 1'000;
  std::size_t bytes_max = 4U << 20U;
};

struct due_found {
  std::vector<scheduled_event> events{};
  /// The time at which the next one after these is due.
  std::optional<std::int64_t> next_due{};
};

/// Scheduled events in the order in which they are due, without their bodies.
struct ask_scheduled {
  /// Of topics of this pattern; of all if empty.
  std::string pattern{};
  /// Due at `from` or later, and earlier than `before`.
  std::int64_t from = std::numeric_limits<std::int64_t>::min();
  std::int64_t before = std::numeric_limits<std::int64_t>::max();
  /// Of those due at `from`, only those with a higher id.
  std::optional<uuid> after{};
  std::size_t count_max = 100;
};

struct scheduled_page {
  struct entry {
    uuid id;
    std::int64_t due_at = 0;
    std::string topic;
    std::string key;
    std::uint64_t body_bytes = 0;
  };

  std::vector<entry> events{};
  /// The last one that was scanned, if the next page begins after it.
  std::optional<uuid> next{};
  std::int64_t next_from = 0;
};

/// The scheduled event with this id, if the journal has it.
struct ask_scheduled_event {
  uuid id{};
};

struct scheduled_event_found {
  std::optional<scheduled_event> what{};
  /// The order that cancelled it, if it was.
  std::optional<cancellation> cancelled{};
  std::string topic{};
  std::int64_t due_at = 0;
};

using journal_question = std::variant<
    ask_events,
    ask_positions,
    ask_time,
    ask_lag,
    ask_topics,
    ask_dead_letters,
    ask_dead_letter,
    ask_dead_letter_counts,
    ask_due,
    ask_scheduled,
    ask_scheduled_event>;

/// The batch is on disk.
struct batch_written {
  /// The last position given.
  std::uint64_t last = 0;
  refused_rows refused{};
};

/// A sweep has ended, or was replaced by a new one.
struct events_swept {
  std::uint64_t deleted = 0;
  /// Topics without events in the journal, which are forgotten.
  std::vector<std::string> forgotten{};
  /// The deleted positions; a topic may be listed several times.
  std::vector<topic_deletion> deletions{};
};

using journal_result = std::variant<
    batch_written,
    events_swept,
    events_page,
    positions_found,
    position_found,
    lag_counted,
    topics_counted,
    dead_letters_page,
    dead_letter_found,
    dead_letters_counted,
    due_found,
    scheduled_page,
    scheduled_event_found>;

/// The journal's answer, or null if it is no `Result`.
template <class Result>
const Result* result_of(const outcome<journal_result>& answered) {
  return answered ? std::get_if<Result>(&*answered) : nullptr;
}

/// The error of an answer for which `result_of` is null.
inline error why_none(const outcome<journal_result>& answered) {
  return answered ? internal_error("the journal answered something else") : answered.error();
}

/// The answer to the request that was made with `token`.
struct journal_answer {
  std::uint64_t token = 0;
  outcome<journal_result> result;
};

} // namespace troupe::broker
