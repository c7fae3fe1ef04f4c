#pragma once

#include "runtime/broker/journal/batch.hpp"
#include "runtime/ids.hpp"
#include "runtime/outcome.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

// What can be asked of the journal, and what it answers. Times are milliseconds since 1970 (UTC).

namespace troupe::broker {

/// The events of some topics, in order of position.
struct ask_events {
  /// Those above this position.
  std::uint64_t after = 0;
  /// At most so many, 1 or more; and not many more bytes than this, but always one.
  std::size_t count_max = 1'000;
  std::size_t bytes_max = 4U << 20U;
  /// Topics, `PREFIX.*` or `*`.
  std::vector<std::string> patterns{};
};

struct events_page {
  std::vector<event_ref> events{};
  /// There is nothing else up to here: the `after` to go on with.
  std::uint64_t scanned = 0;
  /// The last position given when this was read. All is read if `scanned` is that.
  std::uint64_t last = 0;
};

/// The events at these positions.
struct ask_positions {
  std::vector<std::uint64_t> positions{};
};

struct positions_found {
  std::vector<event_ref> events{};
  /// No longer in the journal.
  std::vector<std::uint64_t> missing{};
};

/// The position after which the events since `time` are: its answer is what `ask_events` begins
/// with. By bisection, so it is only as exact as times rise with positions.
struct ask_time {
  std::int64_t time = 0;
};

struct position_found {
  std::uint64_t after = 0;
};

/// How many events of some topics are above a position.
struct ask_lag {
  std::uint64_t after = 0;
  std::vector<std::string> patterns{};
  /// Looks at so many positions at most.
  std::uint64_t scan_max = 200'000;
};

struct lag_counted {
  std::uint64_t events = 0;
  /// False: there may be more.
  bool is_all = true;
  /// When the first of them was journaled; 0 if there is none.
  std::int64_t oldest_time = 0;
};

struct ask_topics {};

struct topic_counts {
  std::string topic{};
  /// Kept, with bodies of so many bytes.
  std::uint64_t events = 0;
  std::uint64_t bytes = 0;
  /// Ever published.
  std::uint64_t total = 0;
  /// Of the oldest that is kept: no less than this (exact unless a sweep is under way); 0 if none.
  std::uint64_t first = 0;
  std::int64_t first_time = 0;
  /// Of the newest one ever.
  std::uint64_t last = 0;
  std::int64_t last_time = 0;
};

struct topics_counted {
  std::vector<topic_counts> topics{};
  std::uint64_t last = 0;
};

/// Dead letters in order of their ids, which for ids of version 7 is that of their making.
struct ask_letters {
  /// Of one capability; of all if empty.
  std::string capability{};
  /// Those behind this one.
  std::optional<uuid> after{};
  std::size_t count_max = 100;
  std::size_t bytes_max = 4U << 20U;
};

struct letters_page {
  std::vector<dead_letter> letters{};
  /// False: nothing is behind the last one.
  bool has_more = false;
};

struct ask_letter {
  uuid id{};
};

struct letter_found {
  std::optional<dead_letter> letter{};
};

/// How many dead letters there are, by capability.
struct ask_letter_counts {};

struct letters_counted {
  struct count {
    std::string capability;
    std::uint64_t letters = 0;
  };

  std::vector<count> capabilities{};
};

/// Scheduled events that are due, earliest first.
struct ask_due {
  std::int64_t now = 0;
  std::size_t count_max = 1'000;
};

struct due_found {
  std::vector<scheduled_event> events{};
  /// When the next one after these is due.
  std::optional<std::int64_t> next_due{};
};

using journal_question = std::variant<
    ask_events,
    ask_positions,
    ask_time,
    ask_lag,
    ask_topics,
    ask_letters,
    ask_letter,
    ask_letter_counts,
    ask_due>;

/// The batch is on disk.
struct batch_written {
  /// The last position given.
  std::uint64_t last = 0;
  /// Events that were to be scheduled, but others wait under their ids: those stay.
  std::vector<uuid> clashed{};
};

/// A sweep has come to its end, or a new one took its place.
struct events_swept {
  std::uint64_t deleted = 0;
  /// Topics that are forgotten: no event of them is in the journal, but what was written since.
  std::vector<std::string> forgotten{};
};

using journal_result = std::variant<
    batch_written,
    events_swept,
    events_page,
    positions_found,
    position_found,
    lag_counted,
    topics_counted,
    letters_page,
    letter_found,
    letters_counted,
    due_found>;

/// What the journal answered, if it is a `Result`.
template <class Result>
const Result* result_of(const outcome<journal_result>& answered) {
  return answered ? std::get_if<Result>(&*answered) : nullptr;
}

/// Why it is none.
inline error why_none(const outcome<journal_result>& answered) {
  return answered ? internal_error("the journal answered something else") : answered.error();
}

/// The answer to the request that was made with `token`.
struct journal_answer {
  std::uint64_t token = 0;
  outcome<journal_result> result;
};

} // namespace troupe::broker
