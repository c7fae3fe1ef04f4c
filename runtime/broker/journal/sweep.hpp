#pragma once

#include "runtime/broker/journal/batch.hpp"
#include "runtime/broker/journal/fence.hpp"
#include "runtime/broker/journal/retention.hpp"
#include "runtime/broker/journal/topic_book.hpp"
#include "runtime/store/database.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace troupe::broker {

/// Applies retention: deletes the events that the rules do not keep, from the oldest on, and then
/// forgets topics without any content.
///
/// A sweep works in slices, each in its own transaction, so that a commit waits for one slice at
/// most. A slice reads the rows once, for all topics that have something to delete.
///
/// Belongs to the journal's writer, which commits nothing while a slice runs.
class event_sweep {
public:
  struct slice {
    std::uint64_t deleted = 0;
    /// Topics without any content, at the end of the sweep.
    std::vector<std::string> forgotten{};
    /// The deleted positions of the slice, for each topic that lost events.
    std::vector<topic_deletion> deletions{};
    /// False: the sweep has ended.
    bool has_more = false;
  };

  /// @param rows that a slice reads, 1 or more.
  event_sweep(store::database& session, journal_fence& fence, topic_book& topics, std::size_t rows)
      : session_{session}, fence_{fence}, topics_{topics}, rows_{rows} {}

  /// Begins a sweep in a journal whose highest position is `last`; a running one is abandoned.
  void begin(const retention& rules, std::uint64_t last);

  /// Reads the next rows and deletes those that the rules do not keep; never the one at `last`. The
  /// last slice also forgets topics without events, scheduled events and dead letters that no
  /// `retention_need` names; it checks as many topics as rows, and the next sweep continues there.
  slice advance(std::uint64_t last);

  /// Abandons the sweep.
  void stop() { topics_left_.clear(); }

private:
  /// A topic that has something to delete.
  struct swept_topic {
    topic_entry* topic = nullptr;
    /// Events up to this time are too old.
    std::int64_t cutoff = 0;
    /// The bytes by which the topic exceeds its limit.
    std::uint64_t surplus = 0;
    /// Events above this position stay. 0: the topic is finished.
    std::uint64_t limit = 0;
    /// The highest position that the slice deletes; 0 if none.
    std::uint64_t deleted_to = 0;
    /// The topic's counters after the slice.
    topic_counters after{};
    /// The time in the row that was read last, and the latest time at which it was written.
    std::int64_t told = 0;
    std::int64_t known = 0;
  };

  struct row_range {
    std::uint64_t first = 0;
    std::uint64_t last = 0;
  };

  static std::optional<swept_topic>
  swept(const topic_entry& topic, const retention& rules, std::uint64_t last);
  std::vector<row_range> find_rows(std::uint64_t last);
  std::int64_t time_of(swept_topic& topic, std::uint64_t position, std::int64_t told) const;
  swept_topic* find(std::int64_t topic);
  void write_time();
  void delete_rows(const std::vector<row_range>& ranges, std::uint64_t last);
  std::vector<std::string> forget_topics();

  store::database& session_;
  journal_fence& fence_;
  topic_book& topics_;
  std::size_t rows_;
  std::vector<swept_topic> topics_left_; // By number; a topic leaves as it comes to its end.
  std::uint64_t deleted_ = 0;            // In this slice.
  std::int64_t now_ = 0;                 // The time of this sweep,
  std::int64_t written_ = 0;             // and the one that is on disk.
  std::set<std::string> named_;          // Topics that a need names.
  topic_book::number looked_to_ = 0;     // The last topic looked at, of those to forget.
};

} // namespace troupe::broker
