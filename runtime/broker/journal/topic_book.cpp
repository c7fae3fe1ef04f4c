#include "runtime/broker/journal/topic_book.hpp"

#include "runtime/broker/journal/tables.hpp"

#include <utility>

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

std::uint64_t topic_book::load(store::database& session) {
  session.query(
      "SELECT id, name, events, bytes, total, first, first_time, last, last_time "
      "FROM topics ORDER BY id",
      [this](const store::row& found) {
        topic_entry& added = add(static_cast<number>(found.integer(0)), found.text(1));
        added.counters.events = static_cast<std::uint64_t>(found.integer(2));
        added.counters.bytes = static_cast<std::uint64_t>(found.integer(3));
        added.counters.total = static_cast<std::uint64_t>(found.integer(4));
        added.counters.first = static_cast<std::uint64_t>(found.integer(5));
        added.counters.first_time = found.integer(6);
        added.counters.last = static_cast<std::uint64_t>(found.integer(7));
        added.counters.last_time = found.integer(8);
      });
  keep();
  return count_again(session);
}

/// Counts the events that the counters on disk do not have: a few thousand at most.
std::uint64_t topic_book::count_again(store::database& session) {
  counted_ =
      static_cast<std::uint64_t>(session.integer_of("SELECT counted FROM journal").value_or(0));
  // Begins with `counted_`, as rows may have been deleted by hand: no position is given twice.
  std::uint64_t last = counted_;
  session.query(
      "SELECT position, topic, time, length(body) FROM events WHERE position > $1 "
      "ORDER BY position",
      [&](const store::row& row) {
        topic_entry* const topic = find(static_cast<number>(row.integer(1)));
        if (topic == nullptr) {
          throw_damaged("topics");
        }
        last = static_cast<std::uint64_t>(row.integer(0));
        topic->counters.count(last, row.integer(2), static_cast<std::size_t>(row.integer(3)));
        topic->changed = true;
      },
      counted_);
  return last;
}

topic_entry& topic_book::named(std::string_view name, store::database& session) {
  if (recent_ != nullptr && recent_->name == name) {
    return *recent_;
  }
  if (const auto found = by_name_.find(name); found != by_name_.end()) {
    return *(recent_ = found->second);
  }
  const number next = highest() + 1;
  session.execute(
      "INSERT INTO topics (id, name, events, bytes, total, first, first_time, last, last_time) "
      "VALUES ($1, $2, 0, 0, 0, 0, 0, 0, 0)",
      next,
      name);
  return *(recent_ = &add(next, name));
}

topic_entry& topic_book::add(number which, std::string_view name) {
  topic_entry& added = entries_[which];
  added.number = which;
  added.name = name;
  by_name_.emplace(added.name, &added);
  return added;
}

topic_entry* topic_book::find(number which) {
  const auto found = entries_.find(which);
  return found == entries_.end() ? nullptr : &found->second;
}

void topic_book::forget(number which) {
  recent_ = nullptr;
  const auto found = entries_.find(which);
  by_name_.erase(found->second.name);
  entries_.erase(found);
}

void topic_book::write_counters(store::database& session, std::uint64_t last) {
  for (const auto& [which, each] : entries_) {
    if (each.changed) {
      write_topic(session, which, each.counters);
    }
  }
  session.execute("UPDATE journal SET counted = $1", last);
  counted_next_ = last;
}

void topic_book::keep() {
  kept_ = highest();
  if (counted_next_) {
    counted_ = *std::exchange(counted_next_, std::nullopt);
    for (auto& [which, each] : entries_) {
      each.changed = false;
    }
  }
}

void topic_book::take_back() {
  counted_next_.reset();
  while (highest() > kept_) {
    forget(highest());
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
