#include "runtime/store/event_store.hpp"

#include "runtime/store/blobs.hpp"
#include "runtime/time_text.hpp"

#include <algorithm>
#include <array>
#include <fmt/format.h>

namespace troupe::store {

namespace {

constexpr std::array<migration, 1> stream_steps{{{1, "event streams and their snapshots", R"sql(
CREATE TABLE events (
  stream BLOB NOT NULL,
  version BIGINT NOT NULL CHECK (version > 0),
  position BIGINT NOT NULL UNIQUE,
  type TEXT NOT NULL,
  body BLOB NOT NULL,
  at BIGINT NOT NULL,
  cause BLOB NOT NULL,
  PRIMARY KEY (stream, version)
) WITHOUT ROWID;
CREATE TABLE snapshots (
  stream BLOB NOT NULL,
  version BIGINT NOT NULL CHECK (version > 0),
  form BIGINT NOT NULL,
  body BLOB NOT NULL,
  PRIMARY KEY (stream, version)
) WITHOUT ROWID;
)sql"}}};

// Few at first, as each event may have a body of a megabyte; most streams have no more than these
// behind their snapshot.
constexpr std::int64_t first_events = 64;
constexpr std::int64_t events_at_once = 512;
constexpr std::int64_t bodies_at_once = std::int64_t{4} << 20U;

error moved_on(const uuid& stream, std::int64_t expected, std::int64_t version) {
  return {
      .code = errc::conflict,
      .message = fmt::format(
          "{} is at version {}, not at {} as expected: something else happened to it meanwhile; "
          "look again",
          to_string(stream),
          version,
          expected),
      .details = {{"expected", std::to_string(expected)}, {"version", std::to_string(version)}}};
}

} // namespace

std::span<const migration> event_migrations() {
  return stream_steps;
}

outcome<std::int64_t> event_store::append(
    const uuid& stream,
    std::int64_t expected,
    std::span<const new_event> events,
    const uuid& cause,
    wall_time now) {
  std::int64_t version = 0;
  std::int64_t position = 0;
  auto look = [&](const row& found) {
    version = found.integer(0);
    position = found.integer(1);
  };
  session_.query(
      "SELECT (SELECT COALESCE(MAX(version), 0) FROM events WHERE stream = $1),"
      " (SELECT COALESCE(MAX(position), 0) FROM events)",
      look,
      stream);
  if (version != expected) {
    return failure{moved_on(stream, expected, version)};
  }
  for (const new_event& each : events) {
    session_.execute(
        "INSERT INTO events (stream, version, position, type, body, at, cause)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7)",
        stream,
        ++version,
        ++position,
        each.type,
        bytes_of(each.body),
        unix_millis(now),
        cause);
  }
  return version;
}

std::int64_t event_store::version_of(const uuid& stream) {
  return session_
      .integer_of("SELECT COALESCE(MAX(version), 0) FROM events WHERE stream = $1", stream)
      .value_or(0);
}

std::optional<uuid> event_store::stream_after(const uuid& after, std::int64_t count) {
  std::optional<uuid> found;
  auto take = [&](const row& row) { found = row.id(0); };
  session_.query(
      "SELECT stream FROM events WHERE stream > $1 ORDER BY stream, version LIMIT 1 OFFSET $2",
      take,
      after,
      count - 1);
  return found;
}

void event_store::save_snapshot(
    const uuid& stream, std::int64_t version, std::int64_t form, std::string_view body) {
  session_.execute(
      "INSERT INTO snapshots (stream, version, form, body) VALUES ($1, $2, $3, $4)"
      " ON CONFLICT (stream, version) DO UPDATE SET form = $3, body = $4",
      stream,
      version,
      form,
      bytes_of(body));
}

std::optional<snapshot>
event_store::find_snapshot(const uuid& stream, std::int64_t form, std::int64_t version) {
  std::optional<snapshot> found;
  auto take = [&](const row& row) {
    found = snapshot{row.integer(0), std::string{text_of(row.bytes(1))}};
  };
  session_.query(
      "SELECT version, body FROM snapshots WHERE stream = $1 AND version <= $2 AND form = $3"
      " ORDER BY version DESC LIMIT 1",
      take,
      stream,
      version,
      form);
  return found;
}

event_store::page::page(const database& session)
    : rows_max_{session.holds_whole_results() ? first_events : newest} {
}

void event_store::page::begin() {
  if (rows_ != 0) {
    rows_max_ = std::clamp(
        bodies_at_once * rows_ / std::max<std::int64_t>(bytes_, 1),
        std::int64_t{1},
        events_at_once);
  }
  rows_ = 0;
  bytes_ = 0;
}

void event_store::page::add(const event_row& event) {
  ++rows_;
  bytes_ += static_cast<std::int64_t>(event.body.size());
}

event_row event_store::event_of(const row& found) {
  return {
      .stream = found.id(0),
      .version = found.integer(1),
      .position = found.integer(2),
      .type = found.text(3),
      .body = text_of(found.bytes(4)),
      .at = wall_time{milliseconds{found.integer(5)}},
      .cause = found.id(6)};
}

void event_store::expect(const event_row& event, std::int64_t due) {
  if (event.version != due) {
    throw database_error{
        database_fault::corrupt,
        fmt::format(
            "the events of {} have a gap: version {} is missing", to_string(event.stream), due)};
  }
}

} // namespace troupe::store
