#include "runtime/broker/journal/tables.hpp"
#include "runtime/broker/journal/writer.hpp"
#include "runtime/wire/events.hpp"

#include <algorithm>
#include <iterator>
#include <limits>

// Retention. Events are deleted from the oldest on, topic by topic; each slice walks the rows once
// for all topics that have something to let go.

namespace troupe::broker {

namespace {

constexpr std::int64_t never = std::numeric_limits<std::int64_t>::min();

} // namespace

void journal_writer::begin_sweep(const retention& rules) {
  sweeping_.clear();
  for (const auto& [number, topic] : topics_.all()) { // In order, for `swept_of`.
    if (auto found = swept(topic, rules)) {
      found->topic = topics_.find(number);
      sweeping_.push_back(*found);
    }
  }
  named_.clear();
  for (const retention_need& each : rules.needs) {
    named_.insert(each.pattern);
  }
}

std::optional<journal_writer::swept_topic>
journal_writer::swept(const topic_entry& topic, const retention& rules) const {
  const std::string& name = topic.name;
  const topic_counters& now = topic.counters;
  const auto rule =
      std::find_if(rules.rules.begin(), rules.rules.end(), [&name](const retention_rule& each) {
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
  // Positions follow from the highest one.
  found.limit = last_ - 1;
  if (!rule->drop_unread) {
    for (const retention_need& each : rules.needs) {
      if (each.above < found.limit && wire::matches(each.pattern, name)) {
        found.limit = each.above;
      }
    }
  }
  return now.first <= found.limit ? std::optional{found} : std::nullopt;
}

outcome<journal_writer::sweep_slice> journal_writer::sweep() {
  if (spent_) {
    return failure{*spent_};
  }
  try {
    sweep_slice done;
    if (!sweeping_.empty()) {
      std::vector<row_range> ranges;
      done.deleted = find_swept(ranges);
      if (done.deleted > 0) {
        delete_swept(ranges);
      }
      for (const swept_topic& each : sweeping_) {
        each.topic->counters = each.after;
      }
      std::erase_if(sweeping_, [](const swept_topic& each) { return each.limit == 0; });
    }
    done.has_more = !sweeping_.empty();
    if (!done.has_more) {
      forget_topics(done.forgotten);
    }
    return done;
  } catch (const store::database_error& met) {
    sweeping_.clear();
    return failure{failed(met, "delete old events from the journal")};
  }
}

/// Finds out what the next slice deletes, and what the topics will be then. A topic that has come
/// to its end gets `limit` 0.
std::uint64_t journal_writer::find_swept(std::vector<row_range>& ranges) {
  std::uint64_t from = last_;
  for (swept_topic& each : sweeping_) {
    // Events were published since the slice before.
    each.after = each.topic->counters;
    from = std::min(from, each.after.first);
  }
  std::uint64_t deleted = 0;
  std::uint64_t rows = 0;
  std::uint64_t seen = from;
  std::int64_t seen_time = never;
  bool joins = false;
  std::size_t open = sweeping_.size();
  const auto look = [&](const store::row& row) {
    ++rows;
    seen = static_cast<std::uint64_t>(row.integer(0));
    seen_time = row.integer(2);
    swept_topic* topic = swept_of(row.integer(1));
    if (topic == nullptr || topic->limit == 0) {
      joins = false;
      return true;
    }
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
    ++deleted;
    if (joins) {
      ranges.back().last = seen;
    } else {
      ranges.push_back({seen, seen});
      joins = true;
    }
    return true;
  };
  session_->query(
      "SELECT position, topic, time, length(body) FROM events WHERE position >= $1 "
      "ORDER BY position LIMIT $2",
      look,
      from,
      options_.sweep_rows);
  const bool at_end = rows < options_.sweep_rows && open > 0;
  for (swept_topic& each : sweeping_) {
    if (each.limit == 0) {
      continue;
    }
    // No row of it is left up to here; later ones are no older, as far as clocks go forward.
    each.after.first = seen + 1;
    each.after.first_time = std::max(each.after.first_time, seen_time);
    each.topic->changed = true;
    if (at_end || seen >= each.limit) {
      each.limit = 0;
    }
  }
  return deleted;
}

journal_writer::swept_topic* journal_writer::swept_of(std::int64_t topic) {
  const auto found = std::lower_bound(
      sweeping_.begin(), sweeping_.end(), topic, [](const swept_topic& each, std::int64_t wanted) {
        return each.topic->number < wanted;
      });
  return found != sweeping_.end() && found->topic->number == topic ? &*found : nullptr;
}

void journal_writer::delete_swept(const std::vector<row_range>& ranges) {
  store::transaction deleting{*session_};
  // First all counters as they are, then those of the topics that lose rows.
  write_counters();
  for (const swept_topic& each : sweeping_) {
    write_topic(*session_, each.topic->number, each.after);
  }
  for (const row_range& each : ranges) {
    session_->execute("DELETE FROM events WHERE position BETWEEN $1 AND $2", each.first, each.last);
  }
  deleting.commit();
  topics_.flushed();
  counted_ = last_;
  counters_written_ = false;
}

void journal_writer::forget_topics(std::vector<std::string>& forgotten) {
  std::vector<topic_book::number> gone;
  std::size_t looked_at = 0;
  store::transaction deleting{*session_};
  auto next = topics_.all().upper_bound(forgotten_to_);
  for (; next != topics_.all().end() && looked_at < options_.sweep_rows; ++next) {
    const auto& [number, topic] = *next;
    if (topic.counters.events != 0 || number == topics_.highest() || named_.contains(topic.name)) {
      continue;
    }
    ++looked_at;
    const auto rows = session_->execute(
        "DELETE FROM topics WHERE id = $1 "
        "AND NOT EXISTS (SELECT 1 FROM scheduled WHERE topic = topics.name) "
        "AND NOT EXISTS (SELECT 1 FROM dead_letters WHERE topic = topics.name)",
        number);
    if (rows != 0) {
      gone.push_back(number);
    }
  }
  const topic_book::number looked_to = next == topics_.all().end() ? 0 : std::prev(next)->first;
  deleting.commit();
  forgotten_to_ = looked_to;
  for (const topic_book::number each : gone) {
    forgotten.push_back(topics_.find(each)->name);
    topics_.forget(each);
  }
}

} // namespace troupe::broker
