#include "runtime/broker/journal/reader.hpp"

#include "runtime/broker/journal/lease_table.hpp"
#include "runtime/broker/journal/tables.hpp"
#include "runtime/store/page.hpp"
#include "runtime/store/sqlite/database.hpp"
#include "runtime/wire/events.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <utility>

namespace troupe::broker {

namespace {

constexpr std::string_view dead_letter_columns =
    "id, capability, cause, error, attempts, first_at, last_at, node, replica, position, topic, "
    "event_id, time, digest, key, source, traceparent, only_for, body";

constexpr milliseconds connect_pause{100};
/// Rows without their bodies, in memory at once.
constexpr std::uint64_t letters_looked_at = 10'000;

constexpr std::string_view scheduled_columns =
    "id, due_at, topic, event_id, time, digest, key, source, traceparent, only_for, body";

std::uint64_t position_at(const store::row& row, int column) {
  return static_cast<std::uint64_t>(row.integer(column));
}

dead_letter dead_letter_of(const store::row& row) {
  dead_letter found;
  found.id = row.id(0);
  found.capability = row.text(1);
  found.cause = row.text(2);
  found.error = row.text(3);
  found.attempts = static_cast<std::uint32_t>(row.integer(4));
  found.first_at = row.integer(5);
  found.last_at = row.integer(6);
  found.node = row.text(7);
  found.replica = static_cast<std::uint32_t>(row.integer(8));
  auto what = std::make_shared<event>();
  what->position = position_at(row, 9);
  what->topic = row.text(10);
  read_event_columns(row, 11, *what);
  found.what = std::move(what);
  return found;
}

scheduled_event scheduled_of(const store::row& row) {
  auto what = std::make_shared<event>();
  what->topic = row.text(2);
  read_event_columns(row, 3, *what);
  return {row.id(0), row.integer(1), std::move(what)};
}

/// A session with the writer's database. During a failover two servers may look like the primary;
/// the older one would lack positions.
outcome<std::unique_ptr<store::database>> connect_where_taken(const shared_journal& place) {
  auto session = place.connect();
  if (!session) {
    return session;
  }
  try {
    const lease_seen found = lease_table{**session, *place.dialect}.look();
    if (found.generation <= place.seen.generation) {
      return failure{
          {.code = errc::unavailable,
           .message = fmt::format(
               "the journal was taken in generation {}, and a second session with its database "
               "finds generation {}: another server answers there",
               place.seen.generation + 1,
               found.generation),
           .retry_after = milliseconds{100}}};
    }
  } catch (const store::database_error& met) {
    return failure{journal_error(met, "read the journal")};
  }
  return session;
}

} // namespace

outcome<std::unique_ptr<journal_reader>> journal_reader::open(const journal_options& options) {
  if (options.shared) {
    return connect_where_taken(*options.shared).map([&](std::unique_ptr<store::database> session) {
      return std::unique_ptr<journal_reader>{new journal_reader{options, std::move(session)}};
    });
  }
  store::sqlite_options how = options.sqlite;
  how.capability = journal_component;
  how.read_only = true;
  TROUPE_TRY(auto session, store::open_sqlite(options.path, how));
  return std::unique_ptr<journal_reader>{new journal_reader{options, std::move(session)}};
}

outcome<journal_result> journal_reader::answer(const journal_question& question) {
  try {
    connect_if_lost();
    return std::visit(
        [this](const auto& asked) { return journal_result{(*this)(asked)}; }, question);
  } catch (const store::database_error& met) {
    error found = journal_error(met, "read the journal");
    found.possible = effect::none;
    return failure{std::move(found)};
  }
}

/// The writer may go on all the while: nothing else would give the journal up. Throws
/// database_error.
void journal_reader::connect_if_lost() {
  if (!place_ || !session_->is_lost()) {
    return;
  }
  const instant now = system_clock{}.now();
  if (now < connects_at_) {
    throw store::database_error{
        store::database_fault::away, "the server was lost, and is not asked again yet"};
  }
  connects_at_ = now + connect_pause;
  auto again = connect_where_taken(*place_);
  if (!again) {
    throw store::database_error{store::database_fault::away, again.error().message};
  }
  session_ = std::move(*again);
}

events_page journal_reader::operator()(const ask_events& asked) {
  events_page found = read_page(asked);
  if (asked.tells_deleted) {
    // After the events: what is deleted between the two statements is said once too often.
    session_->query(
        "SELECT topic, upto FROM deleted WHERE upto > $1",
        [&](const store::row& row) {
          const std::string_view topic = row.text(0);
          const bool is_meant = topic.empty() || wire::matches_any(asked.patterns, topic);
          if (is_meant) {
            found.deleted_to = std::max(found.deleted_to, position_at(row, 1));
          }
        },
        asked.after);
  }
  return found;
}

events_page journal_reader::read_page(const ask_events& asked) {
  stretch where = stretch_above(asked.after, scan_max_);
  events_page found;
  found.scanned = where.to;
  found.last = where.last;
  if (where.is_empty) {
    return found;
  }
  const auto topics = topics_meant(asked.patterns);
  if (!topics) {
    found.scanned = where.last;
    return found;
  }
  const std::size_t count_max = std::max<std::size_t>(1, asked.count_max);
  const auto end = store::end_of_page(
      *session_,
      asked.bytes_max,
      fmt::format(
          "SELECT position, length(body) FROM events WHERE position BETWEEN $1 AND $2{} "
          "ORDER BY position LIMIT $3",
          *topics),
      where.from,
      where.to,
      count_max);
  if (end) {
    found.scanned = where.to = static_cast<std::uint64_t>(*end);
  }
  std::size_t bytes = 0;
  const auto take = [&](const store::row& row) {
    const event_ref& taken = found.events.emplace_back(event_of(row));
    bytes += taken->bytes();
    if (bytes > asked.bytes_max && found.events.size() > 1) {
      // The next page begins with it: an event alone may have any size, several may not.
      found.scanned = taken->position - 1;
      found.events.pop_back();
      return false;
    }
    if (found.events.size() < asked.count_max && bytes < asked.bytes_max) {
      return true;
    }
    found.scanned = taken->position;
    return false;
  };
  // The topics' numbers are part of the SQL, so that the database passes over rows of other topics.
  session_->query(
      fmt::format(
          "SELECT position, topic, id, time, digest, key, source, traceparent, only_for, body "
          "FROM events WHERE position BETWEEN $1 AND $2{} ORDER BY position LIMIT $3",
          *topics),
      take,
      where.from,
      where.to,
      count_max);
  return found;
}

positions_found journal_reader::operator()(const ask_positions& asked) {
  learn_topics();
  positions_found found;
  std::size_t bytes = 0;
  for (auto next = asked.positions.begin(); next != asked.positions.end(); ++next) {
    if (bytes >= asked.bytes_max && !found.events.empty()) {
      found.rest.assign(next, asked.positions.end());
      break;
    }
    const std::uint64_t position = *next;
    const std::size_t before = found.events.size();
    session_->query(
        "SELECT position, topic, id, time, digest, key, source, traceparent, only_for, body "
        "FROM events WHERE position = $1",
        [&](const store::row& row) { bytes += found.events.emplace_back(event_of(row))->bytes(); },
        position);
    if (found.events.size() == before) {
      found.missing.push_back(position);
    }
  }
  return found;
}

position_found journal_reader::operator()(const ask_time& asked) {
  // Every event up to `below` is older than asked for; none above `upto` has to be looked at.
  std::uint64_t below = 0;
  std::uint64_t upto = last();
  while (below < upto) {
    const std::uint64_t middle = below + (upto - below) / 2;
    std::uint64_t position = 0;
    std::int64_t time = 0;
    session_->query(
        "SELECT position, time FROM events WHERE position > $1 ORDER BY position LIMIT 1",
        [&](const store::row& row) {
          position = position_at(row, 0);
          time = row.integer(1);
        },
        middle);
    if (position != 0 && position <= upto && time < asked.time) {
      below = position;
    } else {
      upto = middle;
    }
  }
  return {below};
}

lag_counted journal_reader::operator()(const ask_lag& asked) {
  lag_counted found;
  const stretch where = stretch_above(asked.after, asked.scan_max);
  if (where.is_empty) {
    return found;
  }
  const auto topics = topics_meant(asked.patterns);
  if (!topics) {
    return found;
  }
  found.is_all = where.to >= where.last;
  // Two statements, as one that only counts reads no rows.
  session_->query(
      fmt::format("SELECT count(*) FROM events WHERE position BETWEEN $1 AND $2{}", *topics),
      [&](const store::row& row) { found.events = position_at(row, 0); },
      where.from,
      where.to);
  session_->query(
      fmt::format(
          "SELECT time FROM events WHERE position BETWEEN $1 AND $2{} ORDER BY position LIMIT 1",
          *topics),
      [&](const store::row& row) { found.oldest_time = row.integer(0); },
      where.from,
      where.to);
  return found;
}

topics_counted journal_reader::operator()(const ask_topics&) {
  topics_counted found;
  // The counters on disk and the events since then, in one statement: the writer may write counters
  // between two, and events would be counted twice.
  session_->query(
      "SELECT t.name, t.events, t.bytes, t.total, t.first, t.first_time, t.last, t.last_time, "
      "n.events, n.bytes, n.first, n.first_time, n.last, n.last_time, "
      "s.events, s.next_due FROM topics t LEFT JOIN "
      "(SELECT topic, count(*) AS events, min(due_at) AS next_due FROM scheduled GROUP BY topic) s "
      "ON s.topic = t.name LEFT JOIN "
      "(SELECT topic, count(*) AS events, sum(length(body)) AS bytes, min(position) AS first, "
      "min(time) AS first_time, max(position) AS last, max(time) AS last_time FROM events "
      "WHERE position > (SELECT counted FROM journal) GROUP BY topic) n ON n.topic = t.id "
      "ORDER BY t.name",
      [&](const store::row& row) {
        topic_counts& added = found.topics.emplace_back();
        const auto number = [&row](int column) { return position_at(row, column); };
        added.topic = row.text(0);
        added.events = number(1) + number(8);
        added.bytes = number(2) + number(9);
        added.total = number(3) + number(8);
        if (added.events > 0) {
          added.first = number(1) > 0 ? number(4) : number(10);
          added.first_time = number(1) > 0 ? row.integer(5) : row.integer(11);
        }
        added.last = std::max(number(6), number(12));
        added.last_time = std::max(row.integer(7), row.integer(13));
        added.scheduled = number(14);
        added.next_due = row.integer(15);
      });
  found.last = last();
  return found;
}

dead_letters_page journal_reader::operator()(const ask_dead_letters& asked) {
  dead_letters_page found;
  // Bodies are read of those alone that are meant and fit: a page may pass over thousands of
  // others.
  std::vector<uuid> chosen;
  std::size_t bytes = 0;
  std::uint64_t rows = 0;
  uuid looked_to = asked.after.value_or(uuid{});
  const auto choose = [&](const store::row& row) {
    ++rows;
    looked_to = row.id(0);
    if (!asked.pattern.empty() && !wire::matches(asked.pattern, row.text(1))) {
      return true;
    }
    if (chosen.size() >= asked.count_max || (bytes >= asked.bytes_max && bytes > 0)) {
      found.has_more = true;
      return false;
    }
    chosen.push_back(looked_to);
    bytes += static_cast<std::size_t>(row.integer(2));
    return true;
  };
  do {
    rows = 0;
    session_->query(
        "SELECT id, topic, length(body) + length(error) FROM dead_letters "
        "WHERE id > $1 AND ($2 = '' OR capability = $2) AND ($3 = '' OR cause = $3) "
        "AND last_at >= $4 AND last_at < $5 ORDER BY id LIMIT $6",
        choose,
        looked_to,
        asked.capability,
        asked.cause,
        asked.since,
        asked.before,
        letters_looked_at);
  } while (!found.has_more && rows == letters_looked_at);
  for (const uuid& each : chosen) {
    if (auto known = letter(each)) { // Else it was dropped meanwhile.
      found.dead_letters.push_back(std::move(*known));
    }
  }
  found.changed = changed_by(asked.order);
  return found;
}

dead_letter_found journal_reader::operator()(const ask_dead_letter& asked) {
  return {letter(asked.id), changed_by(asked.order)};
}

std::optional<dead_letter> journal_reader::letter(const uuid& id) {
  std::optional<dead_letter> found;
  static const std::string sql =
      fmt::format("SELECT {} FROM dead_letters WHERE id = $1", dead_letter_columns);
  session_->query(
      sql, [&](const store::row& row) { found = dead_letter_of(row); }, id);
  return found;
}

/// The letters that an order has retried or dropped so far; 0 if it is not known.
std::uint64_t journal_reader::changed_by(const std::optional<uuid>& order) {
  const auto letters =
      order ? session_->integer_of("SELECT letters FROM letter_orders WHERE request = $1", *order)
            : std::nullopt;
  return static_cast<std::uint64_t>(letters.value_or(0));
}

dead_letters_counted journal_reader::operator()(const ask_dead_letter_counts&) {
  dead_letters_counted found;
  session_->query(
      "SELECT capability, count(*) FROM dead_letters GROUP BY capability ORDER BY capability",
      [&](const store::row& row) {
        found.capabilities.push_back({std::string{row.text(0)}, position_at(row, 1)});
      });
  found.scheduled = static_cast<std::uint64_t>(
      session_->integer_of("SELECT count(*) FROM scheduled").value_or(0));
  return found;
}

due_found journal_reader::operator()(const ask_due& asked) {
  due_found found;
  // Sizes first: of a session that holds whole results no bodies may be asked for that do not fit.
  std::size_t count = 0;
  std::size_t bytes = 0;
  session_->query(
      "SELECT due_at, length(body) FROM scheduled ORDER BY due_at LIMIT $1",
      [&](const store::row& row) {
        const std::int64_t due_at = row.integer(0);
        bytes += static_cast<std::size_t>(row.integer(1));
        if (due_at > asked.now || count >= asked.count_max
            || (bytes > asked.bytes_max && count != 0)) {
          found.next_due = due_at;
          return false;
        }
        ++count;
        return true;
      },
      asked.count_max + 1);
  const auto take = [&](const store::row& row) {
    if (row.integer(1) <= asked.now) { // Else one before it was cancelled meanwhile.
      found.events.push_back(scheduled_of(row));
    }
  };
  static const std::string sql =
      fmt::format("SELECT {} FROM scheduled ORDER BY due_at LIMIT $1", scheduled_columns);
  if (count != 0) {
    session_->query(sql, take, count);
  }
  return found;
}

scheduled_page journal_reader::operator()(const ask_scheduled& asked) {
  scheduled_page found;
  scheduled_page::entry looked_at; // The one before this row.
  std::uint64_t rows = 0;
  const auto take = [&](const store::row& row) {
    if (found.events.size() >= asked.count_max || ++rows > scan_max_) {
      found.next = looked_at.id;
      found.next_from = looked_at.due_at;
      return false;
    }
    looked_at = {
        row.id(0),
        row.integer(1),
        std::string{row.text(2)},
        std::string{row.text(3)},
        position_at(row, 4)};
    if (asked.pattern.empty() || wire::matches(asked.pattern, looked_at.topic)) {
      found.events.push_back(looked_at);
    }
    return true;
  };
  const store::blob after = asked.after ? store::blob{asked.after->view()} : store::blob{};
  session_->query(
      "SELECT id, due_at, topic, key, length(body) FROM scheduled "
      "WHERE due_at >= $1 AND due_at < $2 AND (due_at > $1 OR id > $3) ORDER BY due_at, id "
      "LIMIT $4",
      take,
      asked.from,
      asked.before,
      after,
      scan_max_ + 1);
  return found;
}

scheduled_event_found journal_reader::operator()(const ask_scheduled_event& asked) {
  scheduled_event_found found;
  static const std::string sql =
      fmt::format("SELECT {} FROM scheduled WHERE id = $1", scheduled_columns);
  session_->query(
      sql, [&](const store::row& row) { found.what = scheduled_of(row); }, asked.id);
  if (found.what) {
    found.topic = found.what->what->topic;
    found.due_at = found.what->due_at;
  } else {
    session_->query(
        "SELECT id, request, who, why, at, topic, due_at FROM cancelled WHERE id = $1",
        [&](const store::row& row) {
          found.cancelled = cancellation{
              row.id(0),
              row.id(1),
              std::string{row.text(2)},
              std::string{row.text(3)},
              row.integer(4)};
          found.topic = row.text(5);
          found.due_at = row.integer(6);
        },
        asked.id);
  }
  return found;
}

/// The highest position. Its row is never deleted, except by hand.
std::uint64_t journal_reader::last() {
  const auto found = session_->integer_of("SELECT max(position) FROM events");
  return static_cast<std::uint64_t>(
      found ? *found : session_->integer_of("SELECT counted FROM journal").value_or(0));
}

journal_reader::stretch journal_reader::stretch_above(std::uint64_t after, std::uint64_t scan_max) {
  stretch found{.last = last()};
  found.to = std::max(after, found.last);
  const auto first =
      session_->integer_of("SELECT min(position) FROM events WHERE position > $1", after);
  if (after >= found.last || !first) {
    return found;
  }
  // Begin at a row that exists: positions that retention has deleted cost nothing.
  found.from = static_cast<std::uint64_t>(*first);
  found.to = std::min(found.last, found.from + scan_max - 1);
  found.is_empty = false;
  return found;
}

/// Reads the topics that are new. A number is never given twice, so that names learnt earlier stay
/// right.
void journal_reader::learn_topics() {
  const bool is_anew = topics_.size() >= topics_read_anew_;
  if (is_anew) {
    topics_.clear();
  }
  session_->query(
      "SELECT id, name FROM topics WHERE id > $1 ORDER BY id",
      [this](const store::row& row) {
        topics_.emplace_hint(topics_.end(), row.integer(0), row.text(1));
      },
      topics_.empty() ? 0U : topics_.rbegin()->first);
  if (is_anew) {
    topics_read_anew_ = 2 * topics_.size() + 1'000;
  }
}

std::optional<std::string> journal_reader::topics_meant(std::span<const std::string> patterns) {
  learn_topics();
  std::string numbers;
  std::size_t meant = 0;
  for (const auto& [number, topic] : topics_) {
    const bool is_meant = wire::matches_any(patterns, topic);
    if (is_meant) {
      numbers += numbers.empty() ? "" : ",";
      numbers += std::to_string(number);
      ++meant;
    }
  }
  if (meant == 0) {
    return std::nullopt;
  }
  return meant == topics_.size() ? "" : fmt::format(" AND topic IN ({})", numbers);
}

event_ref journal_reader::event_of(const store::row& row) {
  const auto number = static_cast<std::uint32_t>(row.integer(1));
  auto topic = topics_.find(number);
  if (topic == topics_.end()) {
    learn_topics();
    topic = topics_.find(number);
  }
  if (topic == topics_.end()) {
    throw store::database_error{
        store::database_fault::corrupt, fmt::format("the journal has no topic {}", number)};
  }
  auto found = std::make_shared<event>();
  found->position = position_at(row, 0);
  found->topic = topic->second;
  read_event_columns(row, 2, *found);
  return found;
}

} // namespace troupe::broker
