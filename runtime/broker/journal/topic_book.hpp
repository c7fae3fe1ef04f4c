#pragma once

#include "runtime/broker/journal/event.hpp"
#include "runtime/store/database.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>

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
  /// From 1; rising, with gaps where topics were forgotten, and never given twice.
  std::uint32_t number = 0;
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
/// The topic with the highest number is never forgotten, so that the next one gets another.
///
/// Belongs to the writer's session and its transactions.
class topic_book {
public:
  using number = std::uint32_t;

  /// Reads the topics. Throws database_error.
  void load(store::database& session);

  /// The topic of that name; a new one is written down. Until `keep` it can be taken back. Stays
  /// where it is until it is forgotten.
  topic_entry& named(std::string_view name, store::database& session);

  /// The transaction with the new topics is on disk, or is not.
  void keep() { kept_ = highest(); }

  void take_back();

  /// Null if there is none.
  topic_entry* find(number which);

  /// By number.
  const std::map<number, topic_entry>& all() const { return entries_; }

  /// 0 if there is no topic.
  number highest() const { return entries_.empty() ? 0 : entries_.rbegin()->first; }

  /// Once its row is deleted and that is committed.
  void forget(number which);

  /// Writes down the counters that changed. Call `flushed` once that is committed.
  void flush(store::database& session);
  void flushed();

private:
  topic_entry& add(number which, std::string_view name);

  std::map<number, topic_entry> entries_;
  /// Points into `entries_`.
  std::unordered_map<std::string_view, topic_entry*> by_name_;
  /// The highest number that was kept.
  number kept_ = 0;
  topic_entry* recent_ = nullptr;
};

/// The one statement that writes a topic's counters down.
void write_topic(store::database& session, topic_book::number which, const topic_counters& now);

} // namespace troupe::broker
