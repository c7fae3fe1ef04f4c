"""The books that are checked: copies of the shop's databases, the client's log, the provider's log.

Knows the tables as they are documented, and nothing of the programs that write them.
"""

import collections
import contextlib
import dataclasses
import json
import pathlib
import sqlite3
import threading
import time
import uuid
from collections.abc import Iterator

# Capabilities whose databases are checked, by the names they are attached under.
CAPABILITIES = ("inventory", "orders", "payments", "order_saga")
# Attached as well, where there are any: runs from before the events have none.
OF_EVENTS = ("journal", "notifications")

PENDING, ANSWERED, REFUSED = 1, 2, 3  # States of an inbox row.
UNDER_WAY = (0, 1)  # Phases of a saga: forward and undoing.

_POLL_SECONDS = 0.05


class CannotCheck(Exception):
    """The books are not there, or not readable: neither good nor bad."""


def as_key(value: object) -> str:
    """An id as people write it; anything else as text."""
    return str(uuid.UUID(bytes=value)) if isinstance(value, bytes) and len(value) == 16 else str(value)


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
            verdict = target.execute("PRAGMA integrity_check").fetchone()[0]
            if verdict != "ok":
                raise CannotCheck(f"{path}: damaged: {verdict}")
    return copies


@dataclasses.dataclass
class Liveness:
    """What is still under way. Not wrong, but at the end of a run there must be none of it."""

    pending: dict[str, int] = dataclasses.field(default_factory=dict)
    effects: dict[str, int] = dataclasses.field(default_factory=dict)
    unfinished_sagas: int = 0
    parked_sagas: int = 0
    # Events in outboxes that the journal has not taken, by capability.
    leaving: dict[str, int] = dataclasses.field(default_factory=dict)
    postponed: dict[str, int] = dataclasses.field(default_factory=dict)
    # Confirmations without a mail or a dead letter, and mails that are neither sent nor failed.
    unhandled: int = 0
    unsent: int = 0

    @property
    def quiet(self) -> bool:
        return not self.unfinished_sagas and not any(self.pending.values()) \
            and not any(self.effects.values()) and not any(self.leaving.values()) \
            and not any(self.postponed.values()) and not self.unhandled and not self.unsent

    def __str__(self) -> str:
        parts = [f"{count} pending in {name}" for name, count in self.pending.items() if count]
        parts += [f"{count} effects of {name}" for name, count in self.effects.items() if count]
        if self.unfinished_sagas:
            parts.append(f"{self.unfinished_sagas} sagas unfinished")
        parts += [f"{count} in the outbox of {name}" for name, count in self.leaving.items() if count]
        parts += [f"{count} postponed in {name}" for name, count in self.postponed.items() if count]
        if self.unhandled:
            parts.append(f"{self.unhandled} confirmations unhandled")
        if self.unsent:
            parts.append(f"{self.unsent} mails unsent")
        return ", ".join(parts) or "nothing is under way"


def _tables(connection: sqlite3.Connection) -> set[str]:
    return {row[0] for row in connection.execute("SELECT name FROM sqlite_master")}


def read_liveness(files: dict[str, pathlib.Path]) -> Liveness:
    found = Liveness()
    for name, path in files.items():
        with opened(path) as connection:
            tables = _tables(connection)
            if "inbox" in tables:
                found.pending[name] = connection.execute(
                    "SELECT COUNT(*) FROM inbox WHERE state = ?", (PENDING,)).fetchone()[0]
            if "effects" in tables:
                found.effects[name] = connection.execute(
                    "SELECT COUNT(*) FROM effects").fetchone()[0]
            if "sagas" in tables:
                counts = dict(connection.execute("SELECT phase, COUNT(*) FROM sagas GROUP BY phase"))
                found.unfinished_sagas += sum(counts.get(phase, 0) for phase in UNDER_WAY)
                found.parked_sagas += counts.get(4, 0)
            if "postponed" in tables:
                found.postponed[name] = connection.execute(
                    "SELECT COUNT(*) FROM postponed WHERE partition >= 0").fetchone()[0]
            if "mails" in tables:
                found.unsent = connection.execute(
                    "SELECT COUNT(*) FROM mails WHERE state = 'asked'").fetchone()[0]
    if "journal" in files:
        _read_event_liveness(files, found)
    return found


def _read_event_liveness(files: dict[str, pathlib.Path], found: Liveness) -> None:
    with opened(files["journal"]) as journal:
        if "sources" not in _tables(journal):
            return
        taken = dict(journal.execute("SELECT instance, taken FROM sources"))
        for name, path in files.items():
            with opened(path) as connection:
                if {"outbox", "troupe_meta"} <= _tables(connection):
                    instance = connection.execute("SELECT instance FROM troupe_meta").fetchone()[0]
                    found.leaving[name] = connection.execute(
                        "SELECT COUNT(*) FROM outbox WHERE seq > ?",
                        (taken.get(instance, 0),)).fetchone()[0]
        if "notifications" not in files:
            return
        with opened(files["notifications"]) as notifications:
            if "mails" not in _tables(notifications):
                return
            mails = list(notifications.execute("SELECT order_id, event_id FROM mails"))
        settled = {as_key(order) for order, _ in mails}
        events = {event for _, event in mails}
        for event, key in journal.execute(
                "SELECT event_id, key FROM dead_letters WHERE capability = 'notifications'"):
            settled.add(key)
            events.add(event)
        found.unhandled = sum(
            key not in settled and event not in events for event, key in journal.execute(
                "SELECT e.id, e.key FROM events e JOIN topics t ON t.id = e.topic"
                " WHERE t.name = 'order.confirmed'"))


def wait_until_quiet(data: pathlib.Path, seconds: float) -> Liveness:
    """Looks again and again until nothing is under way, or for so long."""
    deadline = time.monotonic() + seconds
    never = threading.Event()
    while True:
        found = read_liveness(database_files(data))
        if found.quiet or time.monotonic() >= deadline:
            return found
        never.wait(_POLL_SECONDS)


@dataclasses.dataclass
class Asked:
    """What a client knows of one order it asked for."""

    calls: int = 0
    open_calls: int = 0
    line: int | None = None
    # Of the answers: whether one was good, one a refusal, one left it open, one said "not now".
    ok: int = 0
    refused: int = 0
    unknown: int = 0
    not_now: int = 0
    reasons: set[str] = dataclasses.field(default_factory=set)
    totals: set[int | None] = dataclasses.field(default_factory=set)
    order_ids: set[str] = dataclasses.field(default_factory=set)

    @property
    def outcome(self) -> str:
        """`ok`, `fail` or `unknown`. A refusal is the last word on an id, and so covers its earlier
        calls; "not now" speaks of its own call alone, and another may have had its effect."""
        if self.ok:
            return "ok"
        if self.refused:
            return "fail"
        return "unknown" if self.unknown or self.open_calls else "fail"


@dataclasses.dataclass
class ClientLog:
    orders: dict[str, Asked] = dataclasses.field(default_factory=dict)
    calls: int = 0
    failed_calls: collections.Counter[str] = dataclasses.field(default_factory=collections.Counter)


def _take_return(record: dict, known: Asked, log: ClientLog) -> None:
    known.open_calls -= 1
    outcome, code = record["outcome"], record.get("code", "")
    if outcome == "ok":
        known.ok += 1
        known.totals.add(record.get("total_cents"))
        known.order_ids.add(record.get("order_id") or "")
    elif outcome == "fail" and record.get("reason"):
        # A reason says that this is the business's answer to the id, not one call's bad luck.
        known.refused += 1
        known.reasons.add(record["reason"])
    elif outcome in ("fail", "unknown"):
        known.not_now += outcome == "fail"
        known.unknown += outcome == "unknown"
        log.failed_calls[code] += 1
    else:
        raise ValueError(f"outcome {outcome!r}")


def read_client_log(path: pathlib.Path) -> ClientLog:
    log = ClientLog()
    lines = path.read_text().split("\n")
    lines.pop()  # Behind the last newline: nothing, or what a killed client was writing.
    for number, line in enumerate(lines, 1):
        try:
            record = json.loads(line)
            if record["op"] != "order_saga.place":
                continue
            known = log.orders.setdefault(record["call_id"], Asked())
            if record["phase"] == "invoke":
                log.calls += 1
                known.calls += 1
                known.open_calls += 1
                known.line = record.get("line", known.line)
            else:
                _take_return(record, known, log)
        except (ValueError, KeyError, TypeError) as fault:
            raise CannotCheck(f"{path}:{number}: no log record: {fault!r}") from fault
    return log


def read_provider_log(path: pathlib.Path) -> list[tuple[str, str, bytes, int]]:
    """(key, kind, order, cents) of each line, repeats included."""
    found = []
    lines = path.read_text().split("\n")
    lines.pop()
    for number, line in enumerate(lines, 1):
        try:
            key, kind, order, cents = line.split()
            found.append((key, kind, uuid.UUID(order).bytes, int(cents)))
        except ValueError as fault:
            raise CannotCheck(f"{path}:{number}: no line of a provider: {fault}") from fault
    return found


def attach(copies: dict[str, pathlib.Path]) -> sqlite3.Connection:
    """One connection in which every database is known by its capability's name."""
    connection = sqlite3.connect(":memory:")
    for name in (*CAPABILITIES, *(name for name in OF_EVENTS if name in copies)):
        connection.execute(f"ATTACH DATABASE ? AS {name}", (str(copies[name]),))
    return connection


def load_client_log(books: sqlite3.Connection, log: ClientLog) -> None:
    books.execute("CREATE TABLE asked (order_id BLOB PRIMARY KEY, outcome TEXT, total INTEGER,"
                  " line INTEGER)")
    books.executemany(
        "INSERT INTO asked VALUES (?, ?, ?, ?)",
        ((uuid.UUID(key).bytes, known.outcome, min(known.totals, default=None, key=str), known.line)
         for key, known in log.orders.items()))


def load_provider_log(
        books: sqlite3.Connection, lines: list[tuple[str, str, bytes, int]]) -> None:
    books.execute("CREATE TABLE provider (key TEXT, kind TEXT, order_id BLOB, cents INTEGER)")
    books.executemany("INSERT INTO provider VALUES (?, ?, ?, ?)", sorted(set(lines)))
    books.execute("CREATE INDEX provider_orders ON provider (order_id)")


def load_wishes(books: sqlite3.Connection, path: pathlib.Path | None) -> None:
    """What each line of the file of orders asks for."""
    books.execute("CREATE TABLE wishes (line INTEGER, sku TEXT, quantity INTEGER)")
    if path is None:
        return
    for number, text in enumerate(path.read_text().splitlines(), 1):
        for item in json.loads(text).get("items", []) if text.strip() else []:
            books.execute("INSERT INTO wishes VALUES (?, ?, ?)",
                          (number, item.get("sku"), item.get("quantity")))
    books.execute("CREATE INDEX wishes_lines ON wishes (line)")
