"""Retention: what each database says that it has forgotten, and by which clock, against how long the
topology has it kept."""

import ids
from databases import Database
from findings import Meets, between, compare
from run import CLOCK_MS, Run


def _is_mark(value: object) -> bool:
    """An id at which forgetting stopped: a moment's first, or that of a message."""
    return (isinstance(value, bytes) and len(value) == 16
            and (not any(value[6:]) or (value[6] >> 4 in (7, 8) and value[8] >> 6 == 2)))


class Keeping:
    def __init__(self, run: Run) -> None:
        self._run = run
        self._findings = run.findings
        # A clock that was wrong moves the settled time by as much as it was wrong for, at most.
        self._time = between(run.begin - CLOCK_MS, run.end + (run.end - run.begin))

    def check(self) -> None:
        for name in self._run.books.names():
            if name == "journal":
                self._check_settled(self._run.books[name])
            else:
                self._check_retention(self._run.books[name])

    def _check_settled(self, database: Database) -> None:
        """0 until the first sweep."""
        for row in self._one(database, "settled"):
            if row["time"] != 0:
                compare(self._findings, "I21", database.table("settled"), row, {"time": self._time})
            compare(self._findings, "I21", database.table("settled"), row, {"one": 1})

    def _check_retention(self, database: Database) -> None:
        inbox_kept = self._run.topology.inbox_kept(database.name)
        kept = {"calls": inbox_kept,
                "commands": max(inbox_kept, self._run.topology.sagas_kept(database.name))}
        where = database.table("retention")
        for row in self._one(database, "retention"):
            compare(self._findings, "I21", where, row, {
                "one": 1, "time": self._time, "trial": between(0, inbox_kept),
                "handled_from": Meets(lambda lowest: lowest is None or _is_mark(lowest),
                                      "a call's id, or nothing"),
                **{column: Meets(_is_mark, "the first id of a moment, or a call's") for column in kept}})
            self._check_trial(database, row)
            for column, time in kept.items():
                mark = row[column]
                if not _is_mark(mark):
                    continue
                if row["trial"] != 0 and row["handled_from"] and mark > row["handled_from"]:
                    self._findings.add("I21", where, f"{column} is {ids.text(mark)}, should not be "
                                                     "above handled_from as long as the time is on trial")
                if any(mark) and ids.birth(mark) > self._run.end - time:
                    self._findings.add("I21", where, f"{column} is {ids.text(mark)}, should be of "
                                                     f"{self._run.end - time} at the latest")

    def _check_trial(self, database: Database, row: dict) -> None:
        """What was handled while the time is on trial is all there, and noted."""
        lowest = min((each["id"] for each in database.rows("inbox")), default=None)
        if row["trial"] != 0 and row["handled_from"] != lowest:
            should = "nothing" if lowest is None else ids.text(lowest)
            self._findings.add("I21", database.table("retention"),
                               f"handled_from should be {should}, the lowest id of the inbox, as long as "
                               "the time is on trial")

    def _one(self, database: Database, table: str) -> list[dict]:
        rows = list(database.rows(table))
        if len(rows) != 1:
            self._findings.add("I21", database.table(table), f"has {len(rows)} rows, should have 1")
        return rows
