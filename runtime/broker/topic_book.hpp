#pragma once

#include "runtime/broker/event.hpp"
#include "runtime/store/database.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace troupe::broker {

/// How much the journal holds of one topic.
struct topic_counters {
  /// Kept, with bodies of so many bytes.
  std::uint64_t events = 0;
  std::uint64_t bytes = 0;
  /// Ever published.
  std::uint64_t total = 0;
  /// No event of the topic is kept below this position; the one there, or a later one, is of this
  /// time. Means nothing while there are no events.
  std::uint64_t first = 0;
  std::int64_t first_time = 0;
  std::uint64_t last = 0;
  std::int64_t last_time = 0;

  void count(std::uint64_t position, std::int64_t time, std::size_t body_bytes);
};

struct topic_entry {
  std::string name;
  topic_counters counters;
  /// Not written down as it is.
  bool changed = false;
};

/// The topics of a journal, their numbers and their counters. The counters are written down every
/// few thousand events: an update at each commit would cost a page of the WAL each time, and one
/// for each event where every event has another topic. What was not written down is counted again
/// at opening.
///
/// Belongs to the writer's session and its transactions.
class topic_book {
public:
  using number = std::uint32_t;

  /// Reads the topics. Throws database_error, also (corrupt) if their numbers have gaps.
  void load(store::database& session);

  /// The number of a topic, from 1; a new one is written down. Until `keep` it can be taken back.
  number number_of(std::string_view name, store::database& session);

  /// The transaction with the new topics is on disk, or is not.
  void keep() { kept_ = entries_.size(); }

  void take_back();

  std::size_t size() const { return entries_.size(); }

  topic_entry& entry(number which) { return entries_[which - 1]; }

  const topic_entry& entry(number which) const { return entries_[which - 1]; }

  /// Writes down the counters that changed. Call `flushed` once that is committed.
  void flush(store::database& session);
  void flushed();

private:
  /// By number - 1. A deque, since `by_name_` points into it.
  std::deque<topic_entry> entries_;
  std::unordered_map<std::string_view, number> by_name_;
  std::size_t kept_ = 0;
  number recent_ = 0;
};

/// The one statement that writes a topic's counters down.
void write_topic(store::database& session, topic_book::number which, const topic_counters& now);

} // namespace troupe::broker
