#include "runtime/broker/topic_book.hpp"

#include <fmt/format.h>

namespace troupe::broker {

void topic_counters::count(std::uint64_t position, std::int64_t time, std::size_t body_bytes) {
  if (events == 0) {
    first = position;
    first_time = time;
  }
  ++events;
  ++total;
  bytes += body_bytes;
  last = position;
  last_time = time;
}

void topic_book::load(store::database& session) {
  session.query(
      "SELECT id, name, events, bytes, total, first, first_time, last, last_time "
      "FROM topics ORDER BY id",
      [this](const store::row& found) {
        if (found.integer(0) != static_cast<std::int64_t>(entries_.size()) + 1) {
          throw store::database_error{
              store::database_fault::corrupt,
              fmt::format("the journal's topic {} is missing", entries_.size() + 1)};
        }
        topic_entry& added = entries_.emplace_back();
        added.name = found.text(1);
        added.counters.events = static_cast<std::uint64_t>(found.integer(2));
        added.counters.bytes = static_cast<std::uint64_t>(found.integer(3));
        added.counters.total = static_cast<std::uint64_t>(found.integer(4));
        added.counters.first = static_cast<std::uint64_t>(found.integer(5));
        added.counters.first_time = found.integer(6);
        added.counters.last = static_cast<std::uint64_t>(found.integer(7));
        added.counters.last_time = found.integer(8);
        by_name_.emplace(added.name, static_cast<number>(entries_.size()));
      });
  kept_ = entries_.size();
}

topic_book::number topic_book::number_of(std::string_view name, store::database& session) {
  if (recent_ != 0 && entry(recent_).name == name) {
    return recent_;
  }
  if (const auto found = by_name_.find(name); found != by_name_.end()) {
    return recent_ = found->second;
  }
  const auto added = static_cast<number>(entries_.size() + 1);
  session.execute(
      "INSERT INTO topics (id, name, events, bytes, total, first, first_time, last, last_time) "
      "VALUES ($1, $2, 0, 0, 0, 0, 0, 0, 0)",
      added,
      name);
  entries_.emplace_back().name = name;
  by_name_.emplace(entries_.back().name, added);
  return recent_ = added;
}

void topic_book::take_back() {
  recent_ = 0;
  while (entries_.size() > kept_) {
    by_name_.erase(entries_.back().name);
    entries_.pop_back();
  }
}

void topic_book::flush(store::database& session) {
  for (number which = 1; which <= entries_.size(); ++which) {
    if (entry(which).changed) {
      write_topic(session, which, entry(which).counters);
    }
  }
}

void topic_book::flushed() {
  for (topic_entry& each : entries_) {
    each.changed = false;
  }
}

void write_topic(store::database& session, topic_book::number which, const topic_counters& now) {
  session.execute(
      "UPDATE topics SET events = $2, bytes = $3, total = $4, first = $5, first_time = $6, "
      "last = $7, last_time = $8 WHERE id = $1",
      which,
      now.events,
      now.bytes,
      now.total,
      now.first,
      now.first_time,
      now.last,
      now.last_time);
}

} // namespace troupe::broker
