#include "runtime/broker/journal/tables.hpp"

#include "runtime/bytes.hpp"
#include "runtime/wire/events.hpp"

#include <fmt/format.h>

namespace troupe::broker {

namespace {

constexpr std::array<store::migration, 3> steps{
    {{
         .version = 1,
         .name = "events, and how far everybody has come",
         .sql = R"(
CREATE TABLE journal (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  generation BIGINT NOT NULL,
  counted BIGINT NOT NULL);
INSERT INTO journal (one, generation, counted) VALUES (1, 0, 0);
CREATE TABLE topics (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  events BIGINT NOT NULL,
  bytes BIGINT NOT NULL,
  total BIGINT NOT NULL,
  first BIGINT NOT NULL,
  first_time BIGINT NOT NULL,
  last BIGINT NOT NULL,
  last_time BIGINT NOT NULL);
CREATE TABLE events (
  position INTEGER PRIMARY KEY,
  topic INTEGER NOT NULL,
  id BLOB NOT NULL,
  time BIGINT NOT NULL,
  digest BIGINT,
  key TEXT,
  source TEXT,
  traceparent TEXT,
  only_for TEXT,
  body BLOB NOT NULL);
CREATE TABLE published (
  upto INTEGER PRIMARY KEY,
  entries BLOB NOT NULL);
CREATE TABLE sources (
  capability TEXT NOT NULL,
  instance BLOB NOT NULL,
  taken BIGINT NOT NULL,
  taken_id BLOB NOT NULL,
  PRIMARY KEY (capability, instance));
CREATE TABLE cursors (
  capability TEXT PRIMARY KEY,
  handled BLOB NOT NULL);
CREATE TABLE dead_letters (
  id BLOB PRIMARY KEY,
  capability TEXT NOT NULL,
  position BIGINT NOT NULL,
  topic TEXT NOT NULL,
  event_id BLOB NOT NULL,
  time BIGINT NOT NULL,
  digest BIGINT,
  key TEXT,
  source TEXT,
  traceparent TEXT,
  only_for TEXT,
  body BLOB NOT NULL,
  cause TEXT NOT NULL,
  error TEXT NOT NULL,
  attempts BIGINT NOT NULL,
  first_at BIGINT NOT NULL,
  last_at BIGINT NOT NULL,
  node TEXT NOT NULL,
  replica BIGINT NOT NULL,
  UNIQUE (capability, position));
CREATE TABLE scheduled (
  id BLOB PRIMARY KEY,
  due_at BIGINT NOT NULL,
  topic TEXT NOT NULL,
  event_id BLOB NOT NULL,
  time BIGINT NOT NULL,
  digest BIGINT,
  key TEXT,
  source TEXT,
  traceparent TEXT,
  only_for TEXT,
  body BLOB NOT NULL);
CREATE INDEX scheduled_due ON scheduled (due_at);
)",
     },
     {
         .version = 2,
         .name = "what databases of capabilities had passed",
         .sql = "ALTER TABLE cursors ADD COLUMN reached BLOB",
     },
     {
         .version = 3,
         .name = "who needs a topic",
         .sql = R"(
CREATE INDEX scheduled_topic ON scheduled (topic);
CREATE INDEX dead_letters_topic ON dead_letters (topic);
INSERT INTO topics (name, events, bytes, total, first, first_time, last, last_time)
  SELECT DISTINCT topic, 0, 0, 0, 0, 0, 0, 0 FROM scheduled
  WHERE topic NOT IN (SELECT name FROM topics);
)",
     }}};

constexpr std::array<store::migration, 1> deleted_steps{
    {{.version = 1, .name = "how far retention has deleted", .sql = R"(
CREATE TABLE deleted (
  topic TEXT PRIMARY KEY,
  upto BIGINT NOT NULL);
)"}}};

constexpr std::array<store::migration, 1> settled_steps{
    {{.version = 1, .name = "the time by which events are deleted", .sql = R"(
CREATE TABLE settled (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  time BIGINT NOT NULL);
INSERT INTO settled (one, time) VALUES (1, 0);
)"}}};

constexpr std::array<store::migration, 1> lives_steps{
    {{.version = 1,
      .name = "who wrote which positions, and what outboxes that went back may send again",
      .sql = R"(
CREATE TABLE lives (
  first BIGINT PRIMARY KEY,
  id BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE rewound (
  capability TEXT NOT NULL,
  instance BLOB NOT NULL,
  id BLOB NOT NULL,
  PRIMARY KEY (capability, instance, id)) WITHOUT ROWID;
ALTER TABLE sources ADD COLUMN digest BIGINT NOT NULL DEFAULT 0;
ALTER TABLE sources ADD COLUMN digest_from BIGINT NOT NULL DEFAULT 0;
ALTER TABLE sources ADD COLUMN digest_to BIGINT NOT NULL DEFAULT -1;
)"}}};

constexpr std::array<store::migration, 1> cancelled_steps{
    {{.version = 1, .name = "scheduled events that a person has cancelled", .sql = R"(
CREATE TABLE cancelled (
  n INTEGER PRIMARY KEY,
  id BLOB NOT NULL UNIQUE,
  due_at BIGINT NOT NULL,
  topic TEXT NOT NULL,
  key TEXT,
  at BIGINT NOT NULL,
  request BLOB NOT NULL,
  who TEXT NOT NULL,
  why TEXT NOT NULL);
)"}}};

constexpr std::array<store::migration, 1> letter_orders_steps{
    {{.version = 1, .name = "what people have ordered about dead letters", .sql = R"(
CREATE TABLE letter_orders (
  n INTEGER PRIMARY KEY,
  request BLOB NOT NULL UNIQUE,
  letters BIGINT NOT NULL);
)"}}};

// The generation stands beside it: what fences the owner is what its epochs begin with.
constexpr std::array<store::migration, 1> lease_steps{
    {{.version = 1, .name = "which broker has the journal", .sql = R"(
ALTER TABLE journal ADD COLUMN owner BLOB;
ALTER TABLE journal ADD COLUMN owner_name TEXT NOT NULL DEFAULT '';
ALTER TABLE journal ADD COLUMN owner_at TEXT NOT NULL DEFAULT '';
ALTER TABLE journal ADD COLUMN owner_key BIGINT NOT NULL DEFAULT 0;
ALTER TABLE journal ADD COLUMN owner_since BIGINT NOT NULL DEFAULT 0;
ALTER TABLE journal ADD COLUMN lease_until BIGINT NOT NULL DEFAULT 0;
)"}}};

constexpr std::array<store::component, 7> components{
    {{journal_component, steps},
     {"troupe.deleted", deleted_steps},
     {"troupe.settled", settled_steps},
     {"troupe.lives", lives_steps},
     {"troupe.cancelled", cancelled_steps},
     {"troupe.letter_orders", letter_orders_steps},
     {"troupe.lease", lease_steps}}};

store::value digest_or_null(std::uint64_t digest) {
  return digest == 0 ? store::value{store::null_value{}}
                     : store::value{static_cast<std::int64_t>(digest)};
}

} // namespace

std::span<const store::component> journal_components() {
  return std::span{components}.first(components.size() - 1);
}

std::span<const store::component> shared_journal_components() {
  return components;
}

void append_event_columns(const event& what, std::vector<store::value>& to) {
  to.insert(
      to.end(),
      {store::blob{what.id.view()},
       what.time,
       digest_or_null(what.digest),
       store::text_or_null(what.key),
       store::text_or_null(what.source),
       store::text_or_null(what.traceparent),
       store::text_or_null(what.only_for),
       bytes_of(what.body)});
}

void read_event_columns(const store::row& from, int first, event& to) {
  to.id = from.id(first);
  to.time = from.integer(first + 1);
  to.digest = static_cast<std::uint64_t>(from.integer(first + 2));
  to.key = from.text(first + 3);
  to.source = from.text(first + 4);
  to.traceparent = from.text(first + 5);
  to.only_for = from.text(first + 6);
  const store::blob body = from.bytes(first + 7);
  to.body.assign(reinterpret_cast<const char*>(body.data()), body.size());
  to.partition = wire::partition_of(to.key, to.id);
}

std::string packed(const std::array<std::uint64_t, 64>& positions) {
  std::string bytes;
  for (const std::uint64_t each : positions) {
    append_big_endian(bytes, each);
  }
  return bytes;
}

void unpack(store::blob bytes, std::array<std::uint64_t, 64>& positions) {
  if (bytes.size() != positions.size() * 8) {
    throw_damaged("cursors");
  }
  for (std::size_t partition = 0; partition < positions.size(); ++partition) {
    positions[partition] = load_big_endian<std::uint64_t>(&bytes[partition * 8]);
  }
}

void throw_damaged(std::string_view what) {
  throw store::database_error{
      store::database_fault::corrupt, fmt::format("the journal's {} are damaged", what)};
}

error journal_error(const store::database_error& met, std::string_view doing) {
  auto found = met.to_error();
  if (met.kind == store::database_fault::full) {
    found.message = "the journal's disk is full";
  } else {
    found.message = fmt::format("cannot {}: {}", doing, met.what());
  }
  return found;
}

} // namespace troupe::broker
