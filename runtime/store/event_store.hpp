#pragma once

#include "runtime/clock.hpp"
#include "runtime/ids.hpp"
#include "runtime/outcome.hpp"
#include "runtime/store/database.hpp"
#include "runtime/store/migrations.hpp"

#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>

namespace troupe::store {

/// The tables of event streams and their snapshots (component "troupe.events", FORMAT.md).
std::span<const migration> event_migrations();

/// An event to append. Borrowed for the call.
struct new_event {
  /// The type of the event, a name that never changes: "confirmed".
  std::string_view type;
  /// MessagePack.
  std::string_view body;
};

/// An event of a stream. Its views are valid until the callback that receives it returns.
struct event_row {
  uuid stream;
  /// 1, 2, 3 ... within its stream.
  std::int64_t version = 0;
  /// Rises across all streams, in the order of appending.
  std::int64_t position = 0;
  std::string_view type;
  std::string_view body;
  /// The time at which the appending turn began, by that machine's clock, to the millisecond.
  wall_time at{};
  /// The message that caused it.
  uuid cause;
};

/// A stored state of a stream, so that the events that led to it need not be read.
struct snapshot {
  std::int64_t version = 0;
  std::string body;
};

/// Streams of events in a capability's own database: one for each entity, numbered without gaps and
/// append-only.
///
/// Borrows the session. What it writes belongs to the current transaction, together with everything
/// else that the turn writes. Throws database_error as the session does.
class event_store {
public:
  /// Newer than any version.
  static constexpr std::int64_t newest = std::numeric_limits<std::int64_t>::max();

  explicit event_store(database& session) : session_{session} {}

  /// Appends `events` to `stream`, which was at version `expected` when the caller decided on them;
  /// 0 for a stream that does not exist yet.
  ///
  /// @param cause the message that is being handled.
  /// @return the version of the last one.
  /// @errors `conflict` if the stream is at another version, which the error names (details:
  /// expected, version); nothing is written. On a database in which several write at once the
  /// loser of a race may get a database_error (constraint) instead, which ends as a `conflict` too.
  outcome<std::int64_t> append(
      const uuid& stream,
      std::int64_t expected,
      std::span<const new_event> events,
      const uuid& cause,
      wall_time now);

  /// The version of the newest event of `stream`; 0 if it has none.
  std::int64_t version_of(const uuid& stream);

  /// Passes the events of `stream` from version `from` on, in order, to `each(const event_row&)`,
  /// which may return bool: false stops the reading.
  ///
  /// Throws database_error (corrupt) if a version is missing: a state built from the rest would be
  /// wrong unnoticed.
  template <class Each>
  void read(const uuid& stream, std::int64_t from, Each&& each) {
    std::int64_t due = from;
    read_pages(
        [&](auto& show, std::int64_t rows_max) {
          session_.query(read_text, show, stream, due, rows_max);
        },
        [&](const event_row& event) {
          expect(event, due++);
          return shown(each, event);
        });
  }

  /// Passes the events of the streams whose id is greater than `after` (uuid{}: all streams) to
  /// `each`, stream by stream, each from its beginning. Checks for gaps as `read` does.
  template <class Each>
  void read_streams(const uuid& after, Each&& each) {
    uuid stream = after;
    std::int64_t version = newest; // All of `after` is passed over.
    read_pages(
        [&](auto& show, std::int64_t rows_max) {
          const uuid last = stream; // The statement reads it while `stream` moves on.
          session_.query(read_streams_text, show, last, version, rows_max);
        },
        [&](const event_row& event) {
          version = event.stream == stream ? version + 1 : 1;
          stream = event.stream;
          expect(event, version);
          return shown(each, event);
        });
  }

  /// The stream of the `count`-th event after the stream `after`, in the order of `read_streams`:
  /// the last one of a slice of that many events. Nothing if there are fewer.
  std::optional<uuid> stream_after(const uuid& after, std::int64_t count);

  /// Stores the state of `stream` at `version`. Snapshots may be deleted at any time.
  ///
  /// @param form a number that changes when the meaning of `body` changes; snapshots of another
  /// form are ignored.
  void
  save_snapshot(const uuid& stream, std::int64_t version, std::int64_t form, std::string_view body);

  /// The newest snapshot of `stream` at or below `version` with that form, if there is one.
  std::optional<snapshot>
  find_snapshot(const uuid& stream, std::int64_t form, std::int64_t version = newest);

private:
  static constexpr std::string_view read_text =
      "SELECT stream, version, position, type, body, at, cause FROM events "
      "WHERE stream = $1 AND version >= $2 ORDER BY version LIMIT $3";
  static constexpr std::string_view read_streams_text =
      "SELECT stream, version, position, type, body, at, cause FROM events "
      "WHERE (stream, version) > ($1, $2) ORDER BY stream, version LIMIT $3";

  /// Limits the rows of a query where the session holds whole results: a reader that stops early
  /// would have fetched the rest of the table, and a complete reading would hold all of it.
  class page {
  public:
    explicit page(const database& session);

    /// The rows that the next query may have.
    std::int64_t rows_max() const { return rows_max_; }

    void begin();
    void add(const event_row& event);

    /// Whether the query had all the rows it was allowed. Then the next page follows.
    bool is_full() const { return rows_ == rows_max_; }

  private:
    std::int64_t rows_max_;
    std::int64_t rows_ = 0;
    std::int64_t bytes_ = 0;
  };

  /// Calls `ask(show, rows_max)` for one page after the other, and `take` with each event, until
  /// that returns false.
  template <class Ask, class Take>
  void read_pages(Ask&& ask, Take&& take) {
    bool goes_on = true;
    page current{session_};
    auto show = [&](const row& found) {
      const event_row event = event_of(found);
      current.add(event);
      goes_on = take(event);
      return goes_on;
    };
    do {
      current.begin();
      ask(show, current.rows_max());
    } while (goes_on && current.is_full());
  }

  static event_row event_of(const row& found);
  /// Throws unless `event` is the one that is due.
  static void expect(const event_row& event, std::int64_t due);

  template <class Each>
  static bool shown(Each& each, const event_row& event) {
    if constexpr (std::is_same_v<decltype(each(event)), bool>) {
      return each(event);
    } else {
      each(event);
      return true;
    }
  }

  database& session_;
};

} // namespace troupe::store
