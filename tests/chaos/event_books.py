"""What became of the shop's events: the broker's journal, the mails and the spool, made ready for the
queries of event_invariants.py. Knows the tables as runtime/broker/journal/README.md describes them."""

import email
import json
import pathlib
import re
import sqlite3
import struct
import uuid

from books import CannotCheck

GROUP = "notifications"
CURSOR = struct.Struct(">64q")
_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")

_JOURNALED = """
CREATE TEMP TABLE facts AS
  SELECT e.position, e.id, t.name AS topic, order_of(e.key) AS order_id, e.source, e.only_for
  FROM journal.events e LEFT JOIN journal.topics t ON t.id = e.topic;
CREATE UNIQUE INDEX facts_positions ON facts (position);
CREATE INDEX facts_ids ON facts (id);
CREATE INDEX facts_orders ON facts (order_id, topic);
-- Whether retention has deleted events: it does so only below what the topics have counted.
CREATE TEMP TABLE sweeping AS
  SELECT (SELECT COUNT(*) FROM facts WHERE position <= counted) < counted AS done
  FROM journal.journal;
-- What of the orders' outbox has not reached the journal.
CREATE TEMP TABLE leaving AS
  SELECT topic, order_of(key) AS order_id FROM orders.outbox WHERE seq > COALESCE((
    SELECT taken FROM journal.sources JOIN orders.troupe_meta USING (instance)
    WHERE sources.capability = 'orders'), 0);
CREATE INDEX leaving_orders ON leaving (order_id, topic);
-- What must have been published of each order. Nothing was of what is from before the events, whose
-- cause is the order itself, nor of a tombstone.
CREATE TEMP TABLE told AS
  SELECT stream AS order_id, 'order.' || type AS topic, position AS place FROM orders.events
  WHERE cause <> stream AND NOT (type = 'cancelled' AND version = 1)
  UNION ALL
  SELECT order_id, 'order.confirmed', NULL FROM orders.orders o WHERE state = 'confirmed'
    AND NOT EXISTS (SELECT 1 FROM orders.events v
                    WHERE v.stream = o.order_id AND v.type = 'confirmed');
"""

_MAILED = """
CREATE TEMP TABLE mailed AS SELECT order_id, event_id, state, message_id FROM notifications.mails;
CREATE INDEX mailed_orders ON mailed (order_id);
CREATE INDEX mailed_events ON mailed (event_id);
CREATE TEMP TABLE buried AS
  SELECT position, event_id, order_of(key) AS order_id FROM journal.dead_letters
  WHERE capability = 'notifications';
CREATE INDEX buried_positions ON buried (position);
CREATE INDEX buried_orders ON buried (order_id);
-- A dead letter that is tried again is a later event, for this capability only.
CREATE TEMP TABLE fates AS
  SELECT f.position, f.id, f.order_id, CASE
    WHEN EXISTS (SELECT 1 FROM mailed m WHERE m.event_id = f.id)
      OR EXISTS (SELECT 1 FROM mailed m WHERE m.order_id = f.order_id) THEN 'handled'
    WHEN EXISTS (SELECT 1 FROM buried b WHERE b.position = f.position)
      OR EXISTS (SELECT 1 FROM buried b WHERE b.order_id = f.order_id) THEN 'dead'
    WHEN f.position > (SELECT low FROM cursor)
      OR EXISTS (SELECT 1 FROM notifications.postponed p WHERE p.position = f.position)
      OR EXISTS (SELECT 1 FROM facts again WHERE again.order_id = f.order_id
                 AND again.only_for = 'notifications'
                 AND (again.position > (SELECT low FROM cursor) OR again.position IN (
                      SELECT position FROM notifications.postponed))) THEN 'pending'
    ELSE 'lost' END AS fate
  FROM facts f WHERE f.topic = 'order.confirmed' AND f.only_for IS NULL;
"""


def order_of(key: str | None) -> bytes | None:
    """The order that an event's key names."""
    return uuid.UUID(key).bytes if key is not None and _ID.fullmatch(key) else None


def read_publish_log(path: pathlib.Path) -> set[tuple[bytes, int]]:
    """(id, position) of each publish that was acknowledged."""
    found = set()
    lines = path.read_text().split("\n")
    lines.pop()  # Behind the last newline: nothing, or what a killed client was writing.
    for number, line in enumerate(lines, 1):
        try:
            record = json.loads(line)
            found.add((uuid.UUID(record["id"]).bytes, int(record["position"])))
        except (ValueError, KeyError, TypeError, AttributeError) as fault:
            raise CannotCheck(f"{path}:{number}: no acknowledged publish: {fault!r}") from fault
    return found


def read_spool(folder: pathlib.Path) -> list[tuple[str, str, bytes | None]]:
    """(file, Message-ID, order) of each mail; drafts, whose names begin with a dot, are none yet."""
    found = []
    for path in sorted(folder.glob("[!.]*.eml")):
        mail = email.message_from_bytes(path.read_bytes())
        named = _ID.search(str(mail["Subject"]))
        found.append((path.name, str(mail["Message-ID"]), order_of(named[0]) if named else None))
    return found


def _has(books: sqlite3.Connection, name: str, *tables: str) -> bool:
    if name not in (row[1] for row in books.execute("PRAGMA database_list")):
        return False
    there = {row[0] for row in books.execute(f"SELECT name FROM {name}.sqlite_master")}
    return there.issuperset(tables)


def _load_cursor(books: sqlite3.Connection) -> None:
    """`low` and `high` of its 64 positions: which partition an event is in is not looked at."""
    row = books.execute(
        "SELECT handled FROM journal.cursors WHERE capability = ?", (GROUP,)).fetchone()
    if row is not None and len(row[0]) != CURSOR.size:
        raise CannotCheck(f"journal.db: the cursor of {GROUP} has {len(row[0])} bytes")
    positions = CURSOR.unpack(row[0]) if row is not None else (0,)
    books.execute("CREATE TEMP TABLE cursor AS SELECT ? AS low, ? AS high",
                  (min(positions), max(positions)))


def load(books: sqlite3.Connection, published: set[tuple[bytes, int]] | None,
         spool: list[tuple[str, str, bytes | None]] | None) -> dict[str, str]:
    """@return what is not there to be looked at, of `journal`, `mails`, `spool` and `publishes`, and
    why."""
    absent = {}
    books.create_function("order_of", 1, order_of, deterministic=True)
    if not _has(books, "journal", "events", "topics", "sources", "cursors", "dead_letters"):
        absent["journal"] = "no journal.db"
    elif not _has(books, "orders", "events", "outbox", "troupe_meta"):
        absent["journal"] = "no events in orders.db"
    else:
        books.executescript(_JOURNALED)
    if not _has(books, GROUP, "mails", "postponed"):
        absent["mails"] = f"no {GROUP}.db"
    elif "journal" not in absent:
        _load_cursor(books)
        books.executescript(_MAILED)
    if spool is None:
        absent["spool"] = "no spool"
    if published is None:
        absent["publishes"] = "no log of publishes"
    books.execute("CREATE TABLE spool (file TEXT, message_id TEXT, order_id BLOB)")
    books.executemany("INSERT INTO spool VALUES (?, ?, ?)", spool or ())
    books.execute("CREATE INDEX spool_orders ON spool (order_id)")
    books.execute("CREATE INDEX spool_ids ON spool (message_id)")
    books.execute("CREATE TABLE publishes (id BLOB, position INTEGER)")
    books.executemany("INSERT INTO publishes VALUES (?, ?)", sorted(published or ()))
    return absent


def count(books: sqlite3.Connection, absent: dict[str, str]) -> dict[str, int]:
    """What was published, and what came of it: published = handled + dead + pending."""
    if "journal" in absent:
        return {}
    counts = {"events": books.execute("SELECT COUNT(*) FROM facts").fetchone()[0]}
    if "mails" not in absent:
        fates = dict(books.execute("SELECT fate, COUNT(*) FROM fates GROUP BY fate"))
        counts["confirmations_published"] = sum(fates.values())
        for fate in ("handled", "dead", "pending", "lost"):
            counts[f"confirmations_{fate}"] = fates.get(fate, 0)
        counts["mails"] = books.execute("SELECT COUNT(*) FROM mailed").fetchone()[0]
    return counts
