"""Databases: copies of them, their tables as they are documented, and their rows."""

import contextlib
import pathlib
import sqlite3
from collections.abc import Iterator
from typing import Any

from findings import Findings, row_name
from wishes import CannotCheck

# Capabilities whose databases a run must have.
CAPABILITIES = ("inventory", "orders", "payments", "order_saga")
SUBSCRIBERS = ("notifications", "notes")
# Those of the example that the load never calls.
IDLE = ("users", "notes")

_TURN = {
    "troupe_meta": "one capability instance created_at",
    "schema_versions": "component version name digest at",
    "inbox": "id operation digest state reply node replica attempt",
    "writers": "id node incarnation fenced opened_at asked answered resigned",
    "retention": "one time calls commands trial handled_from",
    "effects": "key call name request writer trace",
    "outbox": "seq id topic key body trace",
    "outbox_mark": "one confirmed id position digest",
    "journal_lives": "first id",
    "lives_told": "one epoch handled",
    "subscription": "one journal",
    "partitions": "partition epoch handled",
    "postponed": "position partition key attempts dead cause error replica",
    "timers": "n id due_at topic key body trace",
    "forced_breakers": "node mode who why request since",
    "handled_topics": "incarnation pattern",
    "unsettled": "key failed result attempts since error",
}
_EVENT = "time digest key source traceparent only_for body"
TABLES = {
    "inventory": {**_TURN, "stock": "sku price_cents currency initial available",
                  "claims": "order_id",
                  "reservations": "order_id sku quantity price_cents state"},
    "orders": {**_TURN, "events": "stream version position type body at cause",
               "snapshots": "stream version form body",
               "orders": "order_id customer currency state amount_cents payment_id created_at",
               "order_lines": "order_id sku quantity"},
    "payments": {**_TURN, "payments": "order_id payment_id amount_cents currency card state "
                                      "provider_ref",
                 "ledger": "order_id kind amount_cents"},
    "order_saga": {**_TURN, "sagas": "id operation phase epoch writer trace line",
                   "saga_answers": "saga step refusal body taken at",
                   "saga_recalls": "saga call taken at",
                   "saga_tables": "fingerprint operation steps since",
                   "saga_journal": "saga seq kind step round attempt epoch at data"},
    "notifications": {**_TURN, "mails": "order_id event_id recipient state message_id attempts "
                                        "reason asked_at ended_at"},
    "users": {**_TURN, "users": "user_id email name created_at"},
    "notes": {**_TURN, "notes": "note_id text"},
    "reconciliation": {**_TURN, "passes": "invariant behind suspected due_at judged in_flight trouble "
                                          "compared_at looking",
                       "cases": "invariant key type case_id state details opened_at closed_at times "
                                "correction"},
    "journal": {"troupe_meta": _TURN["troupe_meta"], "schema_versions": _TURN["schema_versions"],
                "journal": "one generation counted", "settled": "one time",
                "topics": "id name events bytes total first first_time last last_time",
                "deleted": "topic upto",
                "events": f"position topic id {_EVENT}",
                "published": "upto entries",
                "sources": "capability instance taken taken_id digest digest_from digest_to",
                "lives": "first id", "rewound": "capability instance id",
                "cursors": "capability handled reached",
                "dead_letters": f"id capability position topic event_id {_EVENT} cause error attempts "
                                "first_at last_at node replica",
                "scheduled": f"id due_at topic event_id {_EVENT}",
                "cancelled": "n id due_at topic key at request who why",
                "letter_orders": "n request letters"},
}


# Verdicts of SQLite on values that the books will be found to hold; all others are of the file.
_WRONG_VALUES = ("CHECK constraint failed", "NULL value in", "non-unique entry")
_TYPES = {"BLOB": bytes, "TEXT": str}


def database_files(data: pathlib.Path) -> dict[str, pathlib.Path]:
    found = {path.stem: path for path in sorted(data.glob("*.db"))}
    missing = [name for name in CAPABILITIES if name not in found]
    if missing:
        raise CannotCheck(f"{data}: no database of {', '.join(missing)}")
    return found


@contextlib.contextmanager
def opened(path: pathlib.Path) -> Iterator[sqlite3.Connection]:
    """A connection that cannot write: it never checkpoints either, also not when it is closed."""
    connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=10)
    try:
        yield connection
    finally:
        connection.close()


def copy_databases(data: pathlib.Path, to: pathlib.Path) -> dict[str, pathlib.Path]:
    """Copies every database with SQLite's backup API, which is sound while others write."""
    copies = {}
    for name, path in database_files(data).items():
        copies[name] = to / path.name
        with opened(path) as source, contextlib.closing(sqlite3.connect(copies[name])) as target:
            target.execute("PRAGMA synchronous = OFF")
            source.backup(target)
            for verdict, in target.execute("PRAGMA integrity_check"):
                if verdict != "ok" and not verdict.startswith(_WRONG_VALUES):
                    raise CannotCheck(f"{path}: damaged: {verdict}")
    return copies


def last_written(data: pathlib.Path) -> int:
    """When a database was last written to, in milliseconds since 1970."""
    return max(int(path.stat().st_mtime * 1000) for pattern in ("*.db", "*.db-wal")
               for path in data.glob(pattern))


def tables_of(connection: sqlite3.Connection) -> set[str]:
    return {row[0] for row in connection.execute(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")}


class Database:
    """The rows of a copy. A table or column that is missing is a finding, and has no rows."""

    def __init__(self, name: str, path: pathlib.Path, findings: Findings) -> None:
        self.name = name
        self._findings = findings
        self._connection = sqlite3.connect(path)
        self._connection.text_factory = lambda text: text.decode(errors="replace")
        there = tables_of(self._connection)
        # The columns of each table that is there, and what their values are.
        self._columns: dict[str, dict[str, type]] = {}
        for table, text in TABLES[name].items():
            wanted = text.split()
            has = {row[1]: _TYPES.get(row[2], int)
                   for row in self._connection.execute(f"PRAGMA table_info({table})")}
            absent = [column for column in wanted if column not in has]
            if absent:
                findings.add("I21", self.table(table),
                             f"has no column {', '.join(absent)}" if has else "is not there")
            else:
                self._columns[table] = {column: has[column] for column in wanted}
        for table in sorted(there - TABLES[name].keys()):
            findings.add("I21", self.table(table), "is a table that nobody makes")

    def close(self) -> None:
        self._connection.close()

    def table(self, name: str) -> str:
        """As findings name it."""
        return f"{self.name}.db {name}"

    def rows(self, table: str, order: str = "") -> Iterator[dict[str, Any]]:
        columns = self._columns.get(table)
        if columns is None:
            return
        query = f"SELECT {', '.join(columns)} FROM {table}"
        for values in self._connection.execute(query + (f" ORDER BY {order}" if order else "")):
            row = dict(zip(columns, values))
            if any(value is not None and not isinstance(value, kind)
                   for value, kind in zip(values, columns.values())):
                self._mend(table, row)
            yield row

    def _mend(self, table: str, row: dict[str, Any]) -> None:
        """A value of another type is a finding, and stands for none that could be right."""
        for column, kind in self._columns[table].items():
            value = row[column]
            if value is not None and not isinstance(value, kind):
                self._findings.add("I21", f"{self.table(table)} {row_name(next(iter(row.values())))}",
                                   f"{column} is {value!r:.100}, should be of type {kind.__name__}")
                row[column] = {bytes: b"", str: ""}.get(kind, -1)

    def by_key(self, table: str, *keys: str) -> dict[Any, dict[str, Any]]:
        """Rows by one column or several; a second one of a key is a finding."""
        found: dict[Any, dict[str, Any]] = {}
        for row in self.rows(table):
            key = row[keys[0]] if len(keys) == 1 else tuple(row[each] for each in keys)
            if key in found:
                self._findings.add("I10", f"{self.table(table)} {row_name(key)}", "is there twice")
            found[key] = row
        return found


class Books:
    """All databases of a run."""

    def __init__(self, copies: dict[str, pathlib.Path], findings: Findings) -> None:
        self._all = {name: Database(name, path, findings) for name, path in copies.items()
                     if name in TABLES}

    def close(self) -> None:
        for each in self._all.values():
            each.close()

    def __contains__(self, name: str) -> bool:
        return name in self._all

    def __getitem__(self, name: str) -> Database:
        return self._all[name]

    def names(self) -> list[str]:
        return list(self._all)

    def instance(self, name: str) -> bytes | None:
        """The id of a database."""
        return next((row["instance"] for row in self[name].rows("troupe_meta")), None)
