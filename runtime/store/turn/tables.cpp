#include "runtime/store/turn/tables.hpp"

#include <array>

namespace troupe::store {

namespace {

constexpr std::array<migration, 3> turn{
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
)sql"}}};

constexpr std::array<migration, 1> retention{{{1, "how far answers were forgotten", R"sql(
CREATE TABLE retention (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  time BIGINT NOT NULL,
  calls BLOB NOT NULL,
  commands BLOB NOT NULL
);
)sql"}}};

constexpr std::array<migration, 1> liveness{{{1, "whether writers are alive", R"sql(
ALTER TABLE writers ADD COLUMN asked BIGINT NOT NULL DEFAULT 0;
ALTER TABLE writers ADD COLUMN answered BIGINT NOT NULL DEFAULT 0;
ALTER TABLE writers ADD COLUMN resigned INTEGER NOT NULL DEFAULT 0;
CREATE INDEX writers_alive ON writers (id) WHERE fenced = 0;
)sql"}}};

constexpr std::array<migration, 1> lineage{
    {{1, "who wrote what was handled, and what of the outbox was confirmed", R"sql(
CREATE TABLE journal_lives (
  first BIGINT PRIMARY KEY,
  id BLOB NOT NULL
) WITHOUT ROWID;
CREATE TABLE outbox_mark (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  confirmed BIGINT NOT NULL,
  id BLOB NOT NULL,
  position BIGINT NOT NULL,
  digest BIGINT
);
)sql"}}};

constexpr std::array<migration, 1> unsettled{
    {{1, "results of effects that could not be settled", R"sql(
CREATE TABLE unsettled (
  key BLOB PRIMARY KEY,
  failed INTEGER NOT NULL,
  result BLOB NOT NULL,
  attempts INTEGER NOT NULL,
  since BIGINT NOT NULL,
  error TEXT NOT NULL
) WITHOUT ROWID;
)sql"}}};

// A component of its own, so that a release that knows only `troupe.lineage` can still run on this
// database.
constexpr std::array<migration, 1> told{{{1, "up to which assignment lives were kept", R"sql(
CREATE TABLE lives_told (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  epoch BIGINT NOT NULL,
  handled BIGINT NOT NULL
);
INSERT INTO lives_told (one, epoch, handled)
  SELECT 1, MAX(epoch), MAX(handled) FROM partitions WHERE EXISTS (SELECT 1 FROM journal_lives)
  HAVING COUNT(*) > 0;
)sql"}}};

// NULL if the request behind the row had no trace.
constexpr std::array<migration, 1> trace{{{1, "the traces of what is to be done", R"sql(
ALTER TABLE outbox ADD COLUMN trace TEXT;
ALTER TABLE timers ADD COLUMN trace TEXT;
ALTER TABLE effects ADD COLUMN trace TEXT;
)sql"}}};

// 0: for data written by a release without this column, the time counts as settled.
constexpr std::array<migration, 1> trial{{{1, "for how long a new database forgets nothing", R"sql(
ALTER TABLE retention ADD COLUMN trial BIGINT NOT NULL DEFAULT 0;
)sql"}}};

// NULL if nothing was handled while the time was on trial. A component of its own, so that a
// release that does not know it, and deletes nothing during a trial, can still run on this
// database; messages handled by such a release count too.
constexpr std::array<migration, 1> tried{{{1, "what a new database has handled", R"sql(
ALTER TABLE retention ADD COLUMN handled_from BLOB;
UPDATE retention SET handled_from = (SELECT id FROM inbox ORDER BY id LIMIT 1) WHERE trial > 0;
)sql"}}};

constexpr std::array<migration, 1> handled{{{1, "who has handlers for which topics", R"sql(
CREATE TABLE handled_topics (
  incarnation BLOB NOT NULL,
  pattern TEXT NOT NULL,
  PRIMARY KEY (incarnation, pattern)
) WITHOUT ROWID;
)sql"}}};

constexpr std::array<component, 10> components{
    {{"troupe.turn", turn},
     {"troupe.retention", retention},
     {"troupe.liveness", liveness},
     {"troupe.lineage", lineage},
     {"troupe.told", told},
     {"troupe.unsettled", unsettled},
     {"troupe.trace", trace},
     {"troupe.trial", trial},
     {"troupe.tried", tried},
     {"troupe.handled", handled}}};

} // namespace

std::span<const component> turn_components() {
  return components;
}

} // namespace troupe::store
