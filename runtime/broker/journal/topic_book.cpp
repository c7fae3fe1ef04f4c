#include "runtime/broker/journal/topic_book.hpp"

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

void topic_book::take_back() {
  while (highest() > kept_) {
    forget(highest());
  }
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

void topic_book::flush(store::database& session) {
  for (const auto& [which, each] : entries_) {
    if (each.changed) {
      write_topic(session, which, each.counters);
    }
  }
}

void topic_book::flushed() {
  for (auto& [which, each] : entries_) {
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
