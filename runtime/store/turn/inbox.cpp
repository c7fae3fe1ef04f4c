#include "runtime/store/turn/inbox.hpp"

#include "runtime/bytes.hpp"
#include "runtime/time_text.hpp"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <iterator>
#include <vector>

namespace troupe::store {

namespace {

constexpr std::array<migration, 5> steps{
    {{1, "inbox, effects, outbox and writers", R"sql(
CREATE TABLE inbox (
  id BLOB PRIMARY KEY,
  operation TEXT NOT NULL,
  digest BIGINT NOT NULL,
  state INTEGER NOT NULL CHECK (state BETWEEN 1 AND 3),
  reply BLOB,
  node TEXT NOT NULL,
  replica INTEGER NOT NULL,
  attempt INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE writers (
  id INTEGER PRIMARY KEY,
  node TEXT NOT NULL,
  incarnation BLOB NOT NULL,
  fenced INTEGER NOT NULL DEFAULT 0,
  opened_at BIGINT NOT NULL
);
CREATE TABLE effects (
  key BLOB PRIMARY KEY,
  call BLOB NOT NULL,
  name TEXT NOT NULL,
  request BLOB NOT NULL,
  writer INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE outbox (
  seq INTEGER PRIMARY KEY,
  id BLOB NOT NULL,
  topic TEXT NOT NULL,
  key TEXT NOT NULL,
  body BLOB NOT NULL
);
)sql"},
     {2, "positions in the journal of events, timers", R"sql(
CREATE TABLE subscription (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  journal BLOB NOT NULL
);
CREATE TABLE partitions (
  partition INTEGER PRIMARY KEY,
  epoch BIGINT NOT NULL,
  handled BIGINT NOT NULL
);
CREATE TABLE postponed (
  position BIGINT PRIMARY KEY,
  partition INTEGER NOT NULL,
  key TEXT NOT NULL,
  attempts INTEGER NOT NULL,
  dead INTEGER NOT NULL,
  cause TEXT NOT NULL,
  error TEXT NOT NULL,
  replica INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX postponed_by_partition ON postponed (partition, position);
CREATE TABLE timers (
  n BIGINT PRIMARY KEY,
  id BLOB NOT NULL,
  due_at BIGINT NOT NULL,
  topic TEXT NOT NULL,
  key TEXT NOT NULL,
  body BLOB NOT NULL
) WITHOUT ROWID;
CREATE INDEX timers_by_due ON timers (due_at, n);
)sql"},
     {3, "what people said of breakers", R"sql(
CREATE TABLE forced_breakers (
  node TEXT PRIMARY KEY,
  mode TEXT NOT NULL CHECK (mode IN ('auto', 'open', 'closed', 'disabled')),
  who TEXT NOT NULL,
  why TEXT NOT NULL,
  request BLOB NOT NULL,
  since BIGINT NOT NULL
) WITHOUT ROWID;
)sql"},
     {4, "how far answers were forgotten", R"sql(
CREATE TABLE retention (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  time BIGINT NOT NULL,
  calls BLOB NOT NULL,
  commands BLOB NOT NULL
);
)sql"},
     {5, "whether writers are alive", R"sql(
ALTER TABLE writers ADD COLUMN asked BIGINT NOT NULL DEFAULT 0;
ALTER TABLE writers ADD COLUMN answered BIGINT NOT NULL DEFAULT 0;
ALTER TABLE writers ADD COLUMN resigned INTEGER NOT NULL DEFAULT 0;
CREATE INDEX writers_alive ON writers (id) WHERE fenced = 0;
)sql"}}};

blob bytes_of(std::string_view text) {
  return std::as_bytes(std::span{text});
}

struct insertion {
  std::size_t rows = 0;
  std::string sql;
};

insertion insertion_of(std::size_t rows) {
  insertion made{
      rows,
      "INSERT INTO inbox (id, operation, digest, state, reply, node, replica, attempt) VALUES"};
  for (std::size_t i = 0; i < rows; ++i) {
    const std::size_t first = 8 * i + 1;
    fmt::format_to(
        std::back_inserter(made.sql),
        "{} (${}, ${}, ${}, ${}, ${}, ${}, ${}, ${})",
        i == 0 ? "" : ",",
        first,
        first + 1,
        first + 2,
        first + 3,
        first + 4,
        first + 5,
        first + 6,
        first + 7);
  }
  return made;
}

std::string text_of(blob bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

} // namespace

std::span<const migration> turn_migrations() {
  return steps;
}

std::optional<inbox_entry> inbox::find(const uuid& id) {
  std::optional<inbox_entry> found;
  auto take = [&](const row& row) {
    found = inbox_entry{
        static_cast<inbox_state>(row.integer(0)),
        static_cast<std::uint64_t>(row.integer(1)),
        text_of(row.bytes(2))};
  };
  session_.query("SELECT state, digest, reply FROM inbox WHERE id = $1", take, id);
  return found;
}

uuid inbox::newest() {
  uuid found;
  auto take = [&](const row& row) { found = row.id(0); };
  session_.query("SELECT id FROM inbox ORDER BY id DESC LIMIT 1", take);
  return found;
}

void inbox::insert(std::span<const inbox_row> rows) {
  static const std::array statements{
      insertion_of(rows_best), insertion_of(rows_best / 4), insertion_of(1)};
  std::vector<value> values;
  values.reserve(8 * std::min(rows.size(), rows_best));
  for (const insertion& each : statements) {
    for (; rows.size() >= each.rows; rows = rows.subspan(each.rows)) {
      values.clear();
      for (const inbox_row& row : rows.first(each.rows)) {
        values.insert(
            values.end(),
            {blob{row.id.view()},
             row.operation,
             static_cast<std::int64_t>(row.digest),
             static_cast<std::int64_t>(row.state),
             bytes_of(row.reply),
             row.by.node,
             std::int64_t{row.by.replica},
             std::int64_t{row.by.attempt}});
      }
      session_.run(each.sql, values, {});
    }
  }
}

bool inbox::settle(const uuid& id, inbox_state state, std::string_view reply) {
  return session_.execute(
             "UPDATE inbox SET state = $2, reply = $3 WHERE id = $1 AND state = 1",
             id,
             static_cast<int>(state),
             bytes_of(reply))
         == 1;
}

std::optional<uuid> inbox::oldest_answered() {
  std::optional<uuid> found;
  auto take = [&](const row& row) { found = row.id(0); };
  session_.query("SELECT id FROM inbox WHERE state <> 1 ORDER BY id LIMIT 1", take);
  return found;
}

uuid inbox::forget(kind which, const uuid& from, const uuid& to, int rows_max) {
  uuid end = to;
  auto take = [&](const row& row) { end = row.id(0); };
  session_.query(
      "SELECT id FROM inbox WHERE id >= $1 AND id < $2 ORDER BY id LIMIT 1 OFFSET $3",
      take,
      from,
      to,
      rows_max);
  // The seventh byte has the id's version.
  constexpr std::array above_calls{std::byte{0x80}};
  constexpr std::array above_all{std::byte{0xff}};
  session_.execute(
      "DELETE FROM inbox WHERE id >= $1 AND id < $2 AND state <> 1 AND substr(id, 7, 1) < $3",
      from,
      end,
      blob{which == kind::calls ? above_calls : above_all});
  return end;
}

uuid floor_id(wall_time time) {
  uuid id;
  const std::int64_t millis = std::max<std::int64_t>(0, unix_millis(time));
  store_big_endian(id.bytes.data(), static_cast<std::uint64_t>(millis), 6);
  return id;
}

} // namespace troupe::store
