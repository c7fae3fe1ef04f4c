"""Damages to a good run: every column of every table altered, a row of each deleted or invented. Each
says which row the checker must name; those by hand are in damages_to_books.py and _to_files.py."""

import dataclasses
import sqlite3
from collections.abc import Callable, Iterator
from typing import Any

import ids
from databases import TABLES
from good_orders import identity
from good_run import GoodRun
from packed import pack

# The columns by which findings name a row of a table.
KEYS = {
    "troupe_meta": "", "schema_versions": "component version", "inbox": "id", "writers": "id",
    "effects": "key", "unsettled": "key", "outbox": "seq", "subscription": "", "partitions": "partition",
    "postponed": "position", "timers": "n", "forced_breakers": "node", "outbox_mark": "",
    "journal_lives": "first", "lives_told": "", "lives": "first", "rewound": "id", "stock": "sku",
    "claims": "order_id", "reservations": "order_id", "events": "stream version",
    "snapshots": "stream", "orders": "order_id", "order_lines": "order_id sku",
    "payments": "order_id", "ledger": "order_id kind", "sagas": "id", "saga_tables": "fingerprint", "saga_journal": "saga",
    "saga_answers": "saga step", "saga_recalls": "saga call",
    "mails": "order_id", "users": "user_id", "notes": "note_id", "passes": "invariant",
    "cases": "case_id", "journal": "", "topics": "name",
    "published": "", "sources": "capability", "cursors": "capability", "dead_letters": "id",
    "scheduled": "id", "cancelled": "n", "letter_orders": "n", "retention": "", "settled": "", "deleted": "topic",
    "handled_topics": "incarnation",
}
_LATER_MS = 10 * 86_400_000
_TIMES = {"created_at", "at", "opened_at", "due_at", "since", "asked_at", "ended_at", "time",
          "first_time", "last_time", "first_at", "last_at"}
# What the checker does not see of a single value (tests/README.md): it follows from nothing else.
UNSEEN = {
    *(f"{name}.troupe_meta.instance" for name in ("payments", "order_saga", "notifications", "users",
                                                  "notes", "reconciliation")),
    *(f"reconciliation.passes.{column}" for column in TABLES["reconciliation"]["passes"].split()),
    *(f"{name}.writers.{column}" for name in TABLES for column in ("fenced", "asked", "resigned")), *(f"{name}.inbox.attempt" for name in TABLES),
    *(f"{name}.schema_versions.{column}" for name in TABLES for column in ("name", "digest")),
    *(f"{name}.{column}" for name in ("notifications", "notes")
      for column in ("partitions.epoch", "lives_told.handled")),
    *(f"{name}.handled_topics.pattern" for name in TABLES),
    "notifications.mails.attempts", "journal.cursors.handled",
}
_OTHER_KEYS = {"position", "seq", "id", "one"}
# Whose damage shows at its counterpart.
_NAMED_BY = {
    "orders.troupe_meta.instance": ("journal.db sources orders", "instance"),
    "inventory.troupe_meta.instance": ("journal.db sources inventory", "instance"),
    "journal.troupe_meta.instance": ("notifications.db subscription", "journal"),
    "journal.lives.id": ("notifications.db journal_lives", "id"),
}
# Rows that nobody knows to be missing but by what is next to them.
UNSEEN_DELETED = {"journal.topics", "reconciliation.passes"}


@dataclasses.dataclass
class Damage:
    name: str
    # Does it. @return how many rows, lines or files it changed.
    do: Callable[[GoodRun], int]
    # Words of which the message must have all.
    words: tuple[str, ...]


def _altered(column: str, value: Any, is_key: bool) -> Any:
    if value is None:
        return "x"
    if isinstance(value, int):
        return value + (_LATER_MS if column in _TIMES else 1_000 if is_key else 1)
    if isinstance(value, bytes):
        return value[:-1] + bytes([value[-1] ^ 1]) if value else b"x"
    return value + "x"


def change_rows(name: str, statement: str, *values: object) -> Callable[[GoodRun], int]:
    """Runs SQL on a database, which would refuse none of it."""
    def do(run: GoodRun) -> int:
        with run.database(name) as database:
            database.execute("PRAGMA ignore_check_constraints = ON")
            return abs(database.execute(statement, values).rowcount)
    return do


def change_lines(name: str, change: Callable[[list[str]], list[str]]) -> Callable[[GoodRun], int]:
    def do(run: GoodRun) -> int:
        path = run.folder / name
        before = path.read_text().splitlines(keepends=True)
        after = change(list(before))
        path.write_text("".join(after))
        return int(before != after)
    return do


def _rows(run: GoodRun, name: str, table: str) -> list[dict[str, Any]]:
    with run.database(name) as database:
        database.row_factory = sqlite3.Row
        return [dict(row) for row in database.execute(
            f"SELECT {', '.join(TABLES[name][table].split())} FROM {table}")]


def _where(row: dict[str, Any]) -> str:
    return " AND ".join(f"{column} IS ?" for column in row)


def _names(name: str, table: str, row: dict[str, Any]) -> tuple[str, ...]:
    keys = KEYS[table] if (name, table) != ("journal", "events") else "position"
    return (f"{name}.db {table}", *(ids.text(row[key]) for key in keys.split()))


def of_columns(run: GoodRun) -> Iterator[Damage]:
    """Each column of each table that has rows, in one row."""
    for name, tables in TABLES.items():
        for table, columns in tables.items():
            rows = _rows(run, name, table)
            for column in columns.split():
                row = next((row for row in rows[len(rows) // 2:] + rows if row[column] is not None),
                           rows[len(rows) // 2] if rows else None)
                label = f"{name}.{table}.{column}"
                if row is None or label in UNSEEN:
                    continue
                is_key = column in KEYS[table].split() or column in _OTHER_KEYS
                do = change_rows(name, f"UPDATE {table} SET {column} = ? WHERE {_where(row)}",
                                 _altered(column, row[column], is_key), *row.values())
                # Whoever changes a key is named by the old one or the new one.
                words = _names(name, table, row)
                yield Damage(f"{label} altered", do,
                             _NAMED_BY.get(label, words[:1] if is_key else words))


def of_rows(run: GoodRun) -> Iterator[Damage]:
    """A row of each table that has some is gone, and one of each that has none is invented."""
    for name, tables in TABLES.items():
        for table, columns in tables.items():
            rows = _rows(run, name, table)
            if rows and f"{name}.{table}" not in UNSEEN_DELETED:
                row = rows[len(rows) // 2]
                yield Damage(f"{name}.{table}: a row is gone",
                             change_rows(name, f"DELETE FROM {table} WHERE {_where(row)}", *row.values()),
                             _names(name, table, row)[:1])
            elif not rows:
                row = {column: _invented(column) for column in columns.split()}
                if table == "effects":
                    continue  # That is under way, and has a test of its own.
                yield Damage(f"{name}.{table}: a row is invented", change_rows(
                    name, f"INSERT INTO {table} ({', '.join(row)}) VALUES ({', '.join('?' * len(row))})",
                    *row.values()), _names(name, table, row))


def _invented(column: str) -> Any:
    if column in ("id", "key", "event_id", "stream", "request", "user_id", "note_id") \
            or column.endswith("_id"):
        return identity(1_764_000_000_000, 999)
    if column in ("topic", "node", "cause", "error", "capability", "operation", "mode", "who", "why",
                  "email", "name", "text", "source"):
        return "auto" if column == "mode" else "strange"
    if column in ("traceparent", "only_for"):
        return None
    return pack({}) if column in ("body", "reply") else 1
