#include "runtime/broker/journal/sweep.hpp"

#include "runtime/wire/events.hpp"

#include <algorithm>
#include <iterator>
#include <limits>

namespace troupe::broker {

namespace {

// Not at each sweep, as it costs a flush.
constexpr std::int64_t written_every_ms = 60'000;
constexpr std::int64_t never = std::numeric_limits<std::int64_t>::min();

} // namespace

void event_sweep::begin(const retention& rules, std::uint64_t last) {
  topics_left_.clear();
  now_ = rules.now;
  for (const auto& [number, named] : topics_.all()) { // In order, for `find`.
    topic_entry& topic = *topics_.find(number);
    if (topic.counters.first_time > now_) {
      // It was journaled under a wall clock that was ahead, and was there now at the latest.
      topic.counters.first_time = now_;
      topic.changed = true;
    }
    if (auto found = swept(topic, rules, last)) {
      found->topic = &topic;
      topics_left_.push_back(*found);
    }
  }
  named_.clear();
  for (const retention_need& each : rules.needs) {
    named_.insert(each.pattern);
  }
}

std::optional<event_sweep::swept_topic>
event_sweep::swept(const topic_entry& topic, const retention& rules, std::uint64_t last) {
  const std::string& name = topic.name;
  const topic_counters& now = topic.counters;
  const auto rule = std::ranges::find_if(rules.rules, [&name](const retention_rule& each) {
    return wire::matches(each.pattern, name);
  });
  if (rule == rules.rules.end() || now.events == 0) {
    return std::nullopt;
  }
  swept_topic found{.cutoff = never, .after = now};
  if (rule->keep.count() > 0) {
    found.cutoff = rules.now - rule->keep.count();
  }
  if (rule->bytes_max > 0 && now.bytes > rule->bytes_max) {
    found.surplus = now.bytes - rule->bytes_max;
  }
  if (now.first_time > found.cutoff && found.surplus == 0) {
    return std::nullopt;
  }
  found.limit = last - 1; // The next position follows from the highest row.
  if (!rule->drop_unread) {
    for (const retention_need& each : rules.needs) {
      if (each.above < found.limit && wire::matches(each.pattern, name)) {
        found.limit = each.above;
      }
    }
  }
  return now.first <= found.limit ? std::optional{found} : std::nullopt;
}

event_sweep::slice event_sweep::advance(std::uint64_t last) {
  slice done;
  if (!topics_left_.empty()) {
    if (const std::vector<row_range> ranges = find_rows(last); !ranges.empty()) {
      delete_rows(ranges, last);
    }
    done.deleted = deleted_;
    for (const swept_topic& each : topics_left_) {
      each.topic->counters = each.after;
      if (each.deleted_to != 0) {
        done.deletions.push_back({each.topic->name, each.deleted_to});
      }
    }
    std::erase_if(topics_left_, [](const swept_topic& each) { return each.limit == 0; });
  }
  done.has_more = !topics_left_.empty();
  if (!done.has_more) {
    done.forgotten = forget_topics();
  }
  return done;
}

/// The rows that this slice deletes. Sets `deleted_`, and `after` of each topic.
std::vector<event_sweep::row_range> event_sweep::find_rows(std::uint64_t last) {
  std::uint64_t from = last;
  for (swept_topic& each : topics_left_) {
    each.deleted_to = 0;
    each.after = each.topic->counters; // With the events published since the slice before.
    from = std::min(from, each.after.first);
  }
  std::vector<row_range> ranges;
  deleted_ = 0;
  std::uint64_t rows = 0;
  std::uint64_t seen = from;
  std::int64_t seen_time = never;
  bool joins = false; // The next row that goes extends the last range.
  std::size_t open = topics_left_.size();
  const auto look = [&](const store::row& row) {
    ++rows;
    seen = static_cast<std::uint64_t>(row.integer(0));
    seen_time = std::min(row.integer(2), now_);
    swept_topic* topic = find(row.integer(1));
    if (topic == nullptr || topic->limit == 0) {
      joins = false;
      return true;
    }
    seen_time = time_of(*topic, seen, row.integer(2));
    if (seen > topic->limit || (seen_time > topic->cutoff && topic->surplus == 0)) {
      topic->after.first = seen;
      topic->after.first_time = seen_time;
      topic->limit = 0;
      joins = false;
      return --open > 0;
    }
    const auto size = static_cast<std::uint64_t>(row.integer(3));
    topic->surplus -= std::min(topic->surplus, size);
    topic->after.bytes -= std::min(topic->after.bytes, size);
    topic->after.events -= std::min<std::uint64_t>(topic->after.events, 1);
    ++deleted_;
    topic->deleted_to = seen;
    if (joins) {
      ranges.back().last = seen;
    } else {
      ranges.push_back({seen, seen});
      joins = true;
    }
    return true;
  };
  session_.query(
      "SELECT position, topic, time, length(body) FROM events WHERE position >= $1 "
      "ORDER BY position LIMIT $2",
      look,
      from,
      rows_);
  const bool at_end = rows < rows_ && open > 0;
  for (swept_topic& each : topics_left_) {
    if (each.limit == 0) {
      continue;
    }
    // The topic has no row left up to here; later rows are no older, as far as clocks go forward.
    each.after.first = seen + 1;
    each.after.first_time = std::max(each.after.first_time, seen_time);
    each.topic->changed = true;
    if (at_end || seen >= each.limit) {
      each.limit = 0;
    }
  }
  return ranges;
}

/// The time at which an event was there at the latest: that in its row, but for one that was
/// written under a wall clock that was ahead. Such an event counts from the sweep on that met it
/// first, and those behind it as much later as their rows say.
std::int64_t
event_sweep::time_of(swept_topic& topic, std::uint64_t position, std::int64_t told) const {
  std::int64_t known = told;
  if (told > now_) {
    const topic_counters& before = topic.topic->counters;
    if (topic.told > now_ && told >= topic.told) {
      known = topic.known + (told - topic.told);
    } else {
      known = position == before.first ? before.first_time : now_;
    }
  }
  topic.told = told;
  topic.known = std::min(known, now_);
  return topic.known;
}

event_sweep::swept_topic* event_sweep::find(std::int64_t topic) {
  const auto found = std::lower_bound(
      topics_left_.begin(),
      topics_left_.end(),
      topic,
      [](const swept_topic& each, std::int64_t wanted) { return each.topic->number < wanted; });
  return found != topics_left_.end() && found->topic->number == topic ? &*found : nullptr;
}

void event_sweep::delete_rows(const std::vector<row_range>& ranges, std::uint64_t last) {
  store::transaction deleting{session_};
  fence_.check();
  // Write all counters as they are, then those of the topics that lose rows.
  topics_.write_counters(session_, last);
  for (const swept_topic& each : topics_left_) {
    write_topic(session_, each.topic->number, each.after);
    if (each.deleted_to != 0) {
      session_.execute(
          "INSERT INTO deleted (topic, upto) VALUES ($1, $2) "
          "ON CONFLICT (topic) DO UPDATE SET upto = excluded.upto WHERE excluded.upto > "
          "deleted.upto",
          each.topic->name,
          each.deleted_to);
    }
  }
  for (const row_range& each : ranges) {
    session_.execute("DELETE FROM events WHERE position BETWEEN $1 AND $2", each.first, each.last);
  }
  deleting.commit();
  topics_.keep();
}

/// Stores the settled time, for the next broker to begin with.
void event_sweep::write_time() {
  if (now_ - written_ >= written_every_ms) {
    session_.execute("UPDATE settled SET time = $1 WHERE time < $1", now_);
  }
}

std::vector<std::string> event_sweep::forget_topics() {
  std::vector<topic_book::number> gone;
  std::size_t looked_at = 0;
  store::transaction deleting{session_};
  fence_.check();
  write_time();
  auto next = topics_.all().upper_bound(looked_to_);
  for (; next != topics_.all().end() && looked_at < rows_; ++next) {
    const auto& [number, topic] = *next;
    if (topic.counters.events != 0 || number == topics_.highest() || named_.contains(topic.name)) {
      continue;
    }
    ++looked_at;
    const auto rows = session_.execute(
        "DELETE FROM topics WHERE id = $1 "
        "AND NOT EXISTS (SELECT 1 FROM scheduled WHERE topic = topics.name) "
        "AND NOT EXISTS (SELECT 1 FROM dead_letters WHERE topic = topics.name)",
        number);
    if (rows != 0) {
      gone.push_back(number);
      // All topics that are forgotten share a row.
      session_.execute(
          "INSERT INTO deleted (topic, upto) SELECT '', upto FROM deleted WHERE topic = $1 "
          "ON CONFLICT (topic) DO UPDATE SET upto = excluded.upto WHERE excluded.upto > "
          "deleted.upto",
          topic.name);
      session_.execute("DELETE FROM deleted WHERE topic = $1", topic.name);
    }
  }
  const topic_book::number looked_to = next == topics_.all().end() ? 0 : std::prev(next)->first;
  deleting.commit();
  written_ = now_ - written_ >= written_every_ms ? now_ : written_;
  looked_to_ = looked_to;
  std::vector<std::string> forgotten;
  for (const topic_book::number each : gone) {
    forgotten.push_back(topics_.find(each)->name);
    topics_.forget(each);
  }
  return forgotten;
}

} // namespace troupe::broker
