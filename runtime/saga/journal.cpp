#include "runtime/saga/journal.hpp"

#include "runtime/saga/transition.hpp"
#include "runtime/store/blobs.hpp"
#include "runtime/store/turn/inbox.hpp"
#include "runtime/time_text.hpp"

#include <array>
#include <fmt/format.h>

namespace troupe::saga {

namespace {

constexpr std::array<store::migration, 1> steps{{{1, "sagas and their journal", R"sql(
CREATE TABLE sagas (
  id BLOB PRIMARY KEY,
  operation TEXT NOT NULL,
  phase INTEGER NOT NULL,
  epoch BIGINT NOT NULL,
  writer BIGINT NOT NULL
) WITHOUT ROWID;
CREATE INDEX sagas_unfinished ON sagas (writer) WHERE phase IN (0, 1);
CREATE TABLE saga_journal (
  saga BLOB NOT NULL,
  seq INTEGER NOT NULL,
  kind INTEGER NOT NULL,
  step INTEGER NOT NULL,
  round INTEGER NOT NULL,
  attempt INTEGER NOT NULL,
  epoch BIGINT NOT NULL,
  at BIGINT NOT NULL,
  data BLOB,
  PRIMARY KEY (saga, seq)
) WITHOUT ROWID;
)sql"}}};

constexpr std::array<store::migration, 1> parked_steps{
    {{1, "the parked sagas", "CREATE INDEX sagas_parked ON sagas (id) WHERE phase = 4;"}}};

constexpr std::array<store::migration, 1> table_steps{{{1, "the steps of definitions", R"sql(
CREATE TABLE saga_tables (
  fingerprint BIGINT PRIMARY KEY,
  operation TEXT NOT NULL,
  steps BLOB NOT NULL,
  since BIGINT NOT NULL
);
)sql"}}};

// NULL where the call that started the saga had no trace.
constexpr std::array<store::migration, 1> trace_steps{
    {{1, "the traces of sagas", "ALTER TABLE sagas ADD COLUMN trace TEXT;"}}};

constexpr std::array<store::migration, 1> waiting_steps{{{1, "what sagas wait for", R"sql(
ALTER TABLE sagas ADD COLUMN line TEXT;
CREATE TABLE saga_answers (
  saga BLOB NOT NULL,
  step TEXT NOT NULL,
  refusal BLOB,
  body BLOB,
  taken INTEGER NOT NULL,
  at BIGINT NOT NULL,
  PRIMARY KEY (saga, step)
);
CREATE INDEX saga_answers_new ON saga_answers (saga) WHERE taken = 0;
CREATE TABLE saga_recalls (
  saga BLOB NOT NULL,
  call BLOB NOT NULL,
  taken INTEGER NOT NULL,
  at BIGINT NOT NULL,
  PRIMARY KEY (saga, call)
);
CREATE INDEX saga_recalls_new ON saga_recalls (saga) WHERE taken = 0;
)sql"}}};

// The owners that a saga had before the one it has: nothing is written unless it is taken over.
constexpr std::array<store::migration, 1> owner_steps{{{1, "former owners", R"sql(
CREATE TABLE saga_owners (
  saga BLOB NOT NULL,
  epoch BIGINT NOT NULL,
  writer BIGINT NOT NULL,
  PRIMARY KEY (saga, epoch)
);
)sql"}}};

constexpr std::array<store::component, 6> components{
    {{"troupe.saga", steps},
     {"troupe.parked", parked_steps},
     {"troupe.saga_tables", table_steps},
     {"troupe.saga_trace", trace_steps},
     {"troupe.saga_waits", waiting_steps},
     {"troupe.saga_owners", owner_steps}}};

} // namespace

std::span<const store::component> journal_components() {
  return components;
}

void journal_table::add(
    const uuid& id,
    std::string_view operation,
    std::int64_t writer,
    std::string_view trace,
    std::string_view line) {
  session_.execute(
      "INSERT INTO sagas (id, operation, phase, epoch, writer, trace, line)"
      " VALUES ($1, $2, 0, 1, $3, $4, $5)",
      id,
      operation,
      writer,
      store::text_or_null(trace),
      store::text_or_null(line));
}

bool journal_table::tell(const told_step& told, wall_time now) {
  const auto bytes = [](const std::string& of) { return store::bytes_of(of); };
  return session_.execute(
             "INSERT INTO saga_answers (saga, step, refusal, body, taken, at)"
             " VALUES ($1, $2, $3, $4, 0, $5) ON CONFLICT (saga, step) DO UPDATE SET"
             " refusal = excluded.refusal, body = excluded.body, taken = 0, at = excluded.at"
             " WHERE saga_answers.taken = 1",
             told.saga,
             told.step,
             bytes(told.refusal),
             bytes(told.body),
             unix_millis(now))
         != 0;
}

std::optional<told_step> journal_table::take_told(const uuid& saga, std::string_view step) {
  std::optional<told_step> found;
  auto take = [&](const store::row& row) {
    const auto text = [&](int column) {
      const store::blob data = row.bytes(column);
      return std::string{reinterpret_cast<const char*>(data.data()), data.size()};
    };
    found = told_step{saga, std::string{step}, text(0), text(1)};
  };
  session_.query(
      "SELECT refusal, body FROM saga_answers WHERE saga = $1 AND step = $2 AND taken = 0",
      take,
      saga,
      step);
  if (found) {
    session_.execute("UPDATE saga_answers SET taken = 1 WHERE saga = $1 AND step = $2", saga, step);
  }
  return found;
}

void journal_table::add_recall(const uuid& saga, const uuid& call, wall_time now) {
  session_.execute(
      "INSERT INTO saga_recalls (saga, call, taken, at) VALUES ($1, $2, 0, $3)"
      " ON CONFLICT (saga, call) DO NOTHING",
      saga,
      call,
      unix_millis(now));
}

std::vector<uuid> journal_table::recalls(const uuid& saga) {
  std::vector<uuid> found;
  auto take = [&](const store::row& row) { found.push_back(row.id(0)); };
  session_.query("SELECT call FROM saga_recalls WHERE saga = $1 ORDER BY call", take, saga);
  return found;
}

void journal_table::take_words(const uuid& saga) {
  session_.execute("UPDATE saga_answers SET taken = 1 WHERE saga = $1 AND taken = 0", saga);
}

void journal_table::take_all(const uuid& saga) {
  take_words(saga);
  session_.execute("UPDATE saga_recalls SET taken = 1 WHERE saga = $1 AND taken = 0", saga);
}

std::vector<uuid> journal_table::told_sagas(const uuid& after, int count_max) {
  std::vector<uuid> found;
  auto take = [&](const store::row& row) { found.push_back(row.id(0)); };
  session_.query(
      "SELECT saga FROM saga_answers WHERE taken = 0 AND saga > $1 UNION"
      " SELECT saga FROM saga_recalls WHERE taken = 0 AND saga > $1 ORDER BY saga LIMIT $2",
      take,
      after,
      count_max);
  return found;
}

void journal_table::append(const uuid& id, std::int64_t epoch, const record& row, wall_time now) {
  session_.execute(
      "INSERT INTO saga_journal (saga, seq, kind, step, round, attempt, epoch, at, data)"
      " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
      id,
      row.seq,
      static_cast<int>(row.kind),
      row.step,
      row.round,
      row.attempt,
      epoch,
      unix_millis(now),
      store::bytes_of(row.data));
}

void journal_table::set_phase(const uuid& id, phase now) {
  session_.execute("UPDATE sagas SET phase = $2 WHERE id = $1", id, static_cast<int>(now));
}

std::optional<saga_row> journal_table::find(const uuid& id) {
  std::optional<saga_row> found;
  auto take = [&](const store::row& row) {
    found = saga_row{
        id,
        std::string{row.text(0)},
        row.integer(2),
        row.integer(3),
        static_cast<phase>(row.integer(1)),
        std::string{row.text(4)},
        std::string{row.text(5)}};
  };
  session_.query(
      "SELECT operation, phase, epoch, writer, trace, line FROM sagas WHERE id = $1", take, id);
  return found;
}

std::vector<std::string> journal_table::data_of(const uuid& id, record_kind kind) {
  std::vector<std::string> found;
  auto take = [&](const store::row& row) {
    const store::blob data = row.bytes(0);
    found.emplace_back(reinterpret_cast<const char*>(data.data()), data.size());
  };
  session_.query(
      "SELECT data FROM saga_journal WHERE saga = $1 AND kind = $2 ORDER BY seq",
      take,
      id,
      static_cast<int>(kind));
  return found;
}

std::vector<dated_record> journal_table::history(const uuid& id, std::vector<std::string>& bytes) {
  std::vector<dated_record> rows;
  bytes.clear();
  auto take = [&](const store::row& row) {
    const store::blob data = row.bytes(5);
    bytes.emplace_back(reinterpret_cast<const char*>(data.data()), data.size());
    rows.push_back(
        {{.seq = static_cast<std::uint64_t>(row.integer(0)),
          .kind = static_cast<record_kind>(row.integer(1)),
          .step = static_cast<std::uint32_t>(row.integer(2)),
          .round = static_cast<std::uint32_t>(row.integer(3)),
          .attempt = static_cast<std::uint32_t>(row.integer(4))},
         row.integer(6),
         time_since_1970(milliseconds{row.integer(7)})});
  };
  session_.query(
      "SELECT seq, kind, step, round, attempt, data, epoch, at FROM saga_journal WHERE saga = $1"
      " ORDER BY seq",
      take,
      id);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    rows[i].row.data = bytes[i];
  }
  return rows;
}

void journal_table::keep_table(std::uint64_t fingerprint, const step_table& table, wall_time now) {
  const std::string steps = wire::encoded(table);
  session_.execute(
      "INSERT INTO saga_tables (fingerprint, operation, steps, since) VALUES ($1, $2, $3, $4)"
      " ON CONFLICT (fingerprint) DO NOTHING",
      static_cast<std::int64_t>(fingerprint),
      table.operation,
      store::bytes_of(steps),
      unix_millis(now));
}

std::optional<std::string> journal_table::table(std::uint64_t fingerprint) {
  std::optional<std::string> found;
  auto take = [&](const store::row& row) {
    const store::blob data = row.bytes(0);
    found.emplace(reinterpret_cast<const char*>(data.data()), data.size());
  };
  session_.query(
      "SELECT steps FROM saga_tables WHERE fingerprint = $1",
      take,
      static_cast<std::int64_t>(fingerprint));
  return found;
}

std::vector<owned_saga> journal_table::unfinished(std::int64_t writer) {
  std::vector<owned_saga> found;
  auto take = [&](const store::row& row) { found.push_back({row.id(0), row.integer(1)}); };
  session_.query(
      "SELECT id, epoch FROM sagas WHERE writer = $1 AND phase IN (0, 1) ORDER BY id",
      take,
      writer);
  return found;
}

std::vector<std::int64_t> journal_table::fenced_owners() {
  std::vector<std::int64_t> found;
  auto take = [&](const store::row& row) { found.push_back(row.integer(0)); };
  session_.query(
      "SELECT id FROM writers WHERE fenced = 1 AND EXISTS"
      " (SELECT 1 FROM sagas WHERE writer = writers.id AND phase IN (0, 1)) ORDER BY id",
      take);
  return found;
}

void journal_table::give(const uuid& id, std::int64_t heir, phase now) {
  session_.execute(
      "INSERT INTO saga_owners (saga, epoch, writer) SELECT id, epoch, writer FROM sagas"
      " WHERE id = $1 ON CONFLICT (saga, epoch) DO NOTHING",
      id);
  session_.execute(
      "UPDATE sagas SET writer = $2, epoch = epoch + 1, phase = $3 WHERE id = $1",
      id,
      heir,
      static_cast<int>(now));
}

std::uint64_t journal_table::parked_count() {
  return static_cast<std::uint64_t>(
      session_.integer_of("SELECT COUNT(*) FROM sagas WHERE phase = 4").value_or(0));
}

std::vector<saga_row> journal_table::in_phase(phase now, const uuid& after, int count_max) {
  std::vector<saga_row> found;
  auto take = [&](const store::row& row) {
    found.push_back({row.id(0), std::string{row.text(1)}, row.integer(2), row.integer(3), now});
  };
  // The phase is part of the text, as that of an index must be.
  session_.query(
      fmt::format(
          "SELECT id, operation, epoch, writer FROM sagas WHERE phase = {} AND id > $1 ORDER BY id"
          " LIMIT $2",
          static_cast<int>(now)),
      take,
      after,
      count_max);
  return found;
}

std::map<std::int64_t, std::string> journal_table::nodes_by_epoch(const uuid& id) {
  std::map<std::int64_t, std::string> nodes;
  auto take = [&](const store::row& row) { nodes.emplace(row.integer(0), row.text(1)); };
  session_.query(
      "SELECT owned.epoch, writers.node FROM (SELECT epoch, writer FROM saga_owners WHERE saga = $1"
      " UNION ALL SELECT epoch, writer FROM sagas WHERE id = $1) AS owned"
      " JOIN writers ON writers.id = owned.writer",
      take,
      id);
  return nodes;
}

std::vector<due_saga> journal_table::page(const uuid& after, int count_max) {
  std::vector<due_saga> found;
  auto take = [&](const store::row& row) {
    const store::blob start = row.bytes(3);
    const auto due = due_in({reinterpret_cast<const char*>(start.data()), start.size()});
    found.push_back(
        {row.id(0),
         std::string{row.text(1)},
         static_cast<phase>(row.integer(2)),
         due.value_or(wall_time{})});
  };
  // The data of `started` begins with the deadline.
  session_.query(
      "SELECT id, operation, phase, (SELECT substr(data, 1, 8) FROM saga_journal"
      " WHERE saga = sagas.id AND seq = 1) FROM sagas WHERE id > $1 ORDER BY id LIMIT $2",
      take,
      after,
      count_max);
  return found;
}

std::string journal_table::node_of(std::int64_t writer) {
  return session_.text_of("SELECT node FROM writers WHERE id = $1", writer).value_or("");
}

std::optional<std::pair<record, wall_time>>
journal_table::last(const uuid& id, std::string& bytes) {
  std::optional<std::pair<record, wall_time>> found;
  auto take = [&](const store::row& row) {
    const store::blob data = row.bytes(5);
    bytes.assign(reinterpret_cast<const char*>(data.data()), data.size());
    found.emplace(
        record{
            .seq = static_cast<std::uint64_t>(row.integer(0)),
            .kind = static_cast<record_kind>(row.integer(1)),
            .step = static_cast<std::uint32_t>(row.integer(2)),
            .round = static_cast<std::uint32_t>(row.integer(3)),
            .attempt = static_cast<std::uint32_t>(row.integer(4)),
            .data = bytes},
        time_since_1970(milliseconds{row.integer(6)}));
  };
  session_.query(
      "SELECT seq, kind, step, round, attempt, data, at FROM saga_journal WHERE saga = $1"
      " ORDER BY seq DESC LIMIT 1",
      take,
      id);
  return found;
}

std::optional<uuid> journal_table::forget(const uuid& after, wall_time ended_before, int rows_max) {
  std::vector<uuid> gone;
  std::optional<uuid> last;
  int rows = 0;
  auto look = [&](const store::row& row) {
    ++rows;
    last = row.id(0);
    const auto now = static_cast<phase>(row.integer(1));
    if ((now == phase::completed || now == phase::compensated)
        && row.integer(2) < unix_millis(ended_before)) {
      gone.push_back(*last);
    }
  };
  session_.query(
      "SELECT id, phase, (SELECT at FROM saga_journal WHERE saga = sagas.id"
      " ORDER BY seq DESC LIMIT 1) FROM sagas WHERE id > $1 AND id < $2 ORDER BY id LIMIT $3",
      look,
      after,
      store::floor_id(ended_before),
      rows_max);
  for (const uuid& each : gone) {
    session_.execute("DELETE FROM saga_journal WHERE saga = $1", each);
    session_.execute("DELETE FROM saga_answers WHERE saga = $1", each);
    session_.execute("DELETE FROM saga_recalls WHERE saga = $1", each);
    session_.execute("DELETE FROM saga_owners WHERE saga = $1", each);
    session_.execute("DELETE FROM sagas WHERE id = $1", each);
  }
  if (rows == rows_max) {
    return last;
  }
  session_.execute(
      "DELETE FROM saga_recalls WHERE at < $1 AND saga < $2"
      " AND NOT EXISTS (SELECT 1 FROM sagas WHERE id = saga_recalls.saga)",
      unix_millis(ended_before),
      store::floor_id(ended_before));
  return std::nullopt;
}

} // namespace troupe::saga
