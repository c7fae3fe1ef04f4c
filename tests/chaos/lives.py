"""Who wrote what: the lives of the journal, what subscribers know of them, and the numbers that outboxes
were confirmed."""

from typing import Any

import ids
from databases import SUBSCRIBERS, Database
from event_journal import EventJournal
from findings import between, compare
from order_book import Told
from run import Run


class Lives:
    def __init__(self, run: Run, journal: EventJournal, told: list[Told]) -> None:
        self._run = run
        self._findings = run.findings
        self._journal = journal
        self._told = told

    def check(self) -> None:
        if not self._findings.final:
            return
        lives = sorted(self._run.books["journal"].rows("lives"), key=lambda row: row["first"])
        self._check_lives(lives)
        for name in self._run.books.names():
            if name == "journal":
                continue
            self._check_known(name, lives)
            self._check_mark(name)
        for row in self._run.books["journal"].rows("rewound"):
            self._findings.add("I17", f"journal.db rewound {ids.text(row['id'])}",
                               "is there, and no copy was brought back")

    def _check_lives(self, lives: list[dict[str, Any]]) -> None:
        """Openings that wrote events, and the last one: the first begins with the first position."""
        if not lives or lives[0]["first"] != 1:
            self._findings.add("I17", "journal.db lives 1", "is missing: positions begin there")
        for row in lives:
            compare(self._findings, "I17", f"journal.db lives {row['first']}", row,
                    {"first": between(1, self._journal.last + 1)})
        if len(lives) > self._journal.generation:
            self._findings.add("I17", f"journal.db lives {lives[-1]['first']}",
                               f"there are {len(lives)}, and it was opened {self._journal.generation} "
                               "times")

    def _check_told(self, database: Database) -> None:
        partitions, told = list(database.rows("partitions")), list(database.rows("lives_told"))
        where = database.table("lives_told")
        if len(told) != (1 if partitions else 0):
            self._findings.add("I18", where, f"has {len(told)} rows, and {len(partitions)} partitions were "
                                             "assigned")
        for row in told if partitions else ():
            compare(self._findings, "I18", where, row, {
                "one": 1, "epoch": max(each["epoch"] for each in partitions),
                "handled": between(0, max(each["handled"] for each in partitions))})

    def _check_known(self, name: str, lives: list[dict[str, Any]]) -> None:
        """What a subscriber was told is so in the journal."""
        database = self._run.books[name]
        known = list(database.rows("journal_lives", "first"))
        table = database.table("journal_lives")
        self._check_told(database)
        if name not in SUBSCRIBERS:
            for row in known:
                self._findings.add("I18", f"{table} {row['first']}", "is there; it handles no events")
            return
        if not known and list(database.rows("partitions")):
            self._findings.add("I18", table, "is empty, and partitions were assigned")
        for row in known:
            writer = [each["id"] for each in lives if each["first"] <= row["first"]]
            compare(self._findings, "I18", f"{table} {row['first']}", row,
                    {"first": between(1, self._journal.last + 1), "id": writer[-1] if writer else None})

    def _check_mark(self, name: str) -> None:
        """An outbox was confirmed no more than was journaled, and what is gone from it."""
        database = self._run.books[name]
        rows = list(database.rows("outbox", "seq"))
        marks = list(database.rows("outbox_mark"))
        where = database.table("outbox_mark")
        if not marks and rows and rows[0]["seq"] > 1:
            self._findings.add("I17", where, "is missing, and events were deleted")
        for row in marks:
            newest = rows[-1]["seq"] if rows else 0
            compare(self._findings, "I17", where, row, {
                "one": 1,
                "confirmed": between(rows[0]["seq"] - 1, newest) if rows else "no number: nothing was told"})
            if name == "orders" and 0 < row["confirmed"] <= len(self._told):
                compare(self._findings, "I17", where, row, {"id": self._told[row["confirmed"] - 1].id})
            if row["confirmed"] == newest and name in self._journal.digests:
                compare(self._findings, "I17", where, row, {"digest": self._journal.digests[name]})
            event = self._journal.events.get(row["position"])
            if row["position"] != 0 and event is not None:
                compare(self._findings, "I17", where, {"position's id": event["id"]},
                        {"position's id": row["id"]})
            elif row["position"] > self._journal.last:
                compare(self._findings, "I17", where, row, {"position": between(0, self._journal.last)})
