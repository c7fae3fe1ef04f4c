"""Positions: how far each subscriber has come, by its own database and by the journal's cursors; and the
events that were given up."""

import struct
from collections.abc import Callable
from typing import Any

import ids
from databases import SUBSCRIBERS
from event_journal import EventJournal
from findings import Meets, between, compare, show
from run import CLOCK_MS, Run

CURSOR = struct.Struct(">64q")
_TOPICS: dict[str, Callable[[str], bool]] = {
    "notifications": lambda topic: topic == "order.confirmed",
    "notes": lambda topic: topic.startswith("note."),
}
# Cursors are written once a second; after so long one that stands below has stopped.
_LAG_MS = 10_000
# What a sound event may be given up for: its workers died, or its database could not be written to.
_CAUSES = ("transient", "crashed")


class EventPositions:
    def __init__(self, run: Run, journal: EventJournal) -> None:
        self._run = run
        self._findings = run.findings
        self._journal = journal
        self.buried: set[bytes] = set()

    def check(self) -> None:
        self._check_letters()
        cursors = self._run.books["journal"].by_key("cursors", "capability")
        for name in sorted(cursors.keys() - set(SUBSCRIBERS)):
            self._findings.add("I18", f"journal.db cursors {name}", "is there; nobody subscribes so")
        for name in SUBSCRIBERS:
            if name in self._run.books:
                self._check_subscriber(name, cursors.get(name))

    def _events_of(self, name: str) -> dict[int, list[dict[str, Any]]]:
        """By partition, the events that a subscriber gets."""
        found: dict[int, list[dict[str, Any]]] = {}
        for event in self._journal.events.values():
            if _TOPICS[name](event["name"]) and event["only_for"] in (None, name):
                found.setdefault(ids.partition(event["key"], event["id"]), []).append(event)
        return found

    def _check_subscriber(self, name: str, cursor: dict[str, Any] | None) -> None:
        events = self._events_of(name)
        database = self._run.books[name]
        handled = {row["partition"]: row for row in database.rows("partitions")}
        if self._findings.final:
            self._check_subscription(name)
            self._check_partitions(name, handled, events)
        if cursor is not None:
            reached = {key: row["handled"] for key, row in handled.items()}
            self._check_cursor(name, cursor, reached, events)
        elif self._findings.final and self._is_old({0: list(self._journal.events.values())}):
            self._findings.add("I18", f"journal.db cursors {name}", "is missing")

    def _check_subscription(self, name: str) -> None:
        rows = list(self._run.books[name].rows("subscription"))
        where = f"{name}.db subscription"
        if len(rows) != 1:
            self._findings.add("I18", where, f"has {len(rows)} rows, should have 1")
        for row in rows:
            compare(self._findings, "I18", where, row,
                    {"one": 1, "journal": self._run.books.instance("journal")})
        letters = {row["position"] for row in self._run.books["journal"].rows("dead_letters")
                   if row["capability"] == name}
        for row in self._run.books[name].rows("postponed"):
            if row["partition"] != -1 or row["position"] not in letters:
                self._findings.add("I18", f"{name}.db postponed {row['position']}",
                                   "is there, and no such event waits")

    def _check_partitions(self, name: str, found: dict, events: dict) -> None:
        if not found and not events:
            return  # The first assignment never came.
        swept = any(_TOPICS[name](topic) for topic in self._journal.swept)
        for number in range(ids.PARTITIONS):
            where, row = f"{name}.db partitions {number}", found.get(number)
            if row is None:
                self._findings.add("I18", where, "is missing")
                continue
            newest = max((event["position"] for event in events.get(number, ())), default=0)
            compare(self._findings, "I18", where, row, {
                "handled": between(newest, self._journal.last) if swept else newest,
                # They begin at the journal's generation in their upper half.
                "epoch": between(1 << 32, (self._journal.generation + 1 << 32) - 1)})
        for number in sorted(found.keys() - set(range(ids.PARTITIONS)), key=str):
            self._findings.add("I18", f"{name}.db partitions {number}", "is there; they end at 63")
        highest = max((row["epoch"] >> 32 for row in found.values()
                       if isinstance(row["epoch"], int)), default=0)
        # Of brokers that share a journal, one may have taken it when all were being stopped.
        if highest < self._journal.generation and not self._journal.is_shared:
            self._findings.add("I18", "journal.db journal",
                               f"generation is {self._journal.generation}, should be {highest}: so "
                               f"often were partitions of {name} assigned anew")

    def _is_old(self, events: dict[int, list[dict[str, Any]]], after: int = 0) -> bool:
        """Whether one of the events is there for so long that a cursor must be above it."""
        newest = max((event["time"] for event in self._journal.events.values()), default=0)
        return any(event["position"] > after and event["time"] < newest - _LAG_MS
                   for some in events.values() for event in some)

    def _check_cursor(self, name: str, cursor: dict[str, Any], reached: dict[int, int],
                      events: dict[int, list[dict[str, Any]]]) -> None:
        where = f"journal.db cursors {name}"
        for column in ("handled", "reached"):
            value = cursor[column]
            if not isinstance(value, bytes) and not (column == "reached" and value is None) \
                    or isinstance(value, bytes) and len(value) != CURSOR.size:
                self._findings.add("I18", where, f"{column} is {show(value)}, should be 64 positions")
                return
        positions = CURSOR.unpack(cursor["handled"])
        passed = CURSOR.unpack(cursor["reached"]) if cursor["reached"] else (0,) * ids.PARTITIONS
        for number, position in enumerate(positions):
            own = events.get(number, [])
            low = passed[number]
            compare(self._findings, "I18", f"{where}, partition {number}", {"handled": position},
                    {"handled": between(low if self._findings.final else 0, self._journal.last)})
            if not self._findings.final:
                continue
            if self._is_old({number: own}, position):
                self._findings.add("I18", f"{where}, partition {number}",
                                   f"handled is {position}, which it has passed long ago")
            said = {0, *(event["position"] for event in own)}
            wanted = Meets(lambda value, said=said, most=reached.get(number, 0):
                           (value in said or bool(self._journal.swept)) and value <= most,
                           f"0 or the position of one of its events, {reached.get(number, 0)} at most")
            compare(self._findings, "I18", f"{where}, partition {number}",
                    {"reached": passed[number]}, {"reached": wanted})

    def _check_letters(self) -> None:
        table = "journal.db dead_letters"
        nodes = {row["node"] for name in SUBSCRIBERS if name in self._run.books
                 for row in self._run.books[name].rows("writers")}
        for key, row in self._run.books["journal"].by_key("dead_letters", "id").items():
            where = f"{table} {ids.text(key)}"
            event = self._journal.events.get(row["position"])
            name = row["capability"]
            if name not in SUBSCRIBERS or not _TOPICS[name](row["topic"]):
                self._findings.add("I17", where, f"is for {name}, which does not subscribe to it")
                continue
            if event is None and not self._journal.swept:
                self._findings.add("I17", where, f"position is {row['position']}, where no event is")
            elif event is not None:
                wanted = {column: event[column] for column in (
                    "time", "digest", "key", "source", "traceparent", "only_for", "body")}
                compare(self._findings, "I17", where, row, {
                    **wanted, "topic": event["name"], "event_id": event["id"],
                    "id": ids.dead_letter(event["id"], name, event["position"])})
            compare(self._findings, "I17", where, row, {
                "cause": Meets(lambda value: value in _CAUSES,
                               f"{' or '.join(_CAUSES)}: nobody refuses a sound event"),
                "attempts": between(1, 1_000),
                "first_at": between(self._run.begin - CLOCK_MS, self._run.end),
                "last_at": between(row["first_at"], self._run.end),
                "node": Meets(lambda value: value in nodes, "a node that has opened the database"),
                "replica": between(0, 1_000)})
            self.buried.add(row["event_id"])
