#pragma once

#include "runtime/broker/journal/event.hpp"
#include "runtime/secret_hash.hpp"
#include "runtime/store/database.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

namespace troupe::broker {

/// The counters of one topic in the journal.
struct topic_counters {
  /// The kept events, and the bytes of their bodies.
  std::uint64_t events = 0;
  std::uint64_t bytes = 0;
  /// Events ever published.
  std::uint64_t total = 0;
  /// No event of the topic is kept below this position, and none is older than this time. Both have
  /// no meaning while there are no events.
  std::uint64_t first = 0;
  std::int64_t first_time = 0;
  std::uint64_t last = 0;
  std::int64_t last_time = 0;

  void count(std::uint64_t position, std::int64_t time, std::size_t body_bytes);
};

struct topic_entry {
  /// From 1; rising, with gaps where topics were forgotten, and never reused.
  std::uint32_t number = 0;
  std::string name;
  topic_counters counters;
  /// Whether the counters differ from those on disk.
  bool changed = false;
};

/// The topics of a journal, their numbers and their counters, in memory and in the table `topics`.
///
/// The counters are written every few thousand events: an update at each commit would cost a page
/// of the WAL each time, and one for each event where every event has another topic. Opening counts
/// the events again that are not in the counters on disk. The topic with the highest number is
/// never forgotten, so that the next one gets another number.
///
/// Belongs to the journal's writer and works in its transactions: `keep` follows each commit,
/// `take_back` each one that failed.
class topic_book {
public:
  using number = std::uint32_t;

  /// Reads the topics. @return the highest position that events or counters name.
  std::uint64_t load(store::database& session);

  /// The topic of that name; a new one is written to the table. The reference stays valid until the
  /// topic is forgotten.
  topic_entry& named(std::string_view name, store::database& session);

  /// Null if there is no such topic.
  topic_entry* find(number which);

  /// By number.
  const std::map<number, topic_entry>& all() const { return entries_; }

  /// 0 if there is no topic.
  number highest() const { return entries_.empty() ? 0 : entries_.rbegin()->first; }

  /// Forgets a topic whose row was deleted, after the commit.
  void forget(number which);

  /// Writes the changed counters; `last` is the position up to which they include every event.
  void write_counters(store::database& session, std::uint64_t last);

  /// The counters on disk include the events up to this position.
  std::uint64_t counted() const { return counted_; }

  void keep();
  void take_back();

private:
  topic_entry& add(number which, std::string_view name);
  std::uint64_t count_again(store::database& session);

  std::map<number, topic_entry> entries_;
  std::unordered_map<std::string_view, topic_entry*, secret_hash>
      by_name_; // Both point into `entries_`.
  topic_entry* recent_ = nullptr;
  number kept_ = 0; // The highest number that is committed.
  std::uint64_t counted_ = 0;
  std::optional<std::uint64_t> counted_next_; // By a transaction that is not committed.
};

/// Writes one topic's counters to the table.
void write_topic(store::database& session, topic_book::number which, const topic_counters& now);

} // namespace troupe::broker
