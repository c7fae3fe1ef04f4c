"""The frame of every database: whose it is, its migrations, who opened it, and what nobody asked for.
And the capabilities that the load never calls."""

import re

import ids
from databases import IDLE, SUBSCRIBERS, Database
from findings import Meets, between, compare, one_of
from run import CLOCK_MS, CLOCKS_MS, Run

_TURN = {"troupe.turn", "troupe.retention", "troupe.liveness", "troupe.lineage", "troupe.told",
         "troupe.unsettled", "troupe.trace", "troupe.trial", "troupe.tried", "troupe.handled"}
_COMPONENTS = {
    "inventory": {*_TURN, "inventory"},
    "orders": {*_TURN, "troupe.events", "orders"},
    "payments": {*_TURN, "payments"},
    "order_saga": {*_TURN, "troupe.saga", "troupe.parked", "troupe.saga_tables", "troupe.saga_trace",
                   "troupe.saga_waits"},
    "notifications": {*_TURN, "notifications"},
    "users": {*_TURN, "users"},
    "notes": {*_TURN, "notes"},
    "reconciliation": {*_TURN, "reconciliation"},
    "journal": {"troupe.journal", "troupe.settled", "troupe.lives", "troupe.deleted", "troupe.cancelled",
                "troupe.letter_orders"},
}
# What a journal that brokers share has besides.
_OF_SHARED = {"journal": {"troupe.lease"}}
_OWNER = {"journal": "troupe.journal"}
_VERSION_7 = Meets(lambda value: isinstance(value, bytes) and len(value) == 16
                   and value[6] >> 4 == 7 and value[8] >> 6 == 2, "a UUID of version 7")
_DIGEST = Meets(lambda value: isinstance(value, str) and len(value) == 16
                and not set(value) - set("0123456789abcdef"), "16 hexadecimal digits")
# What W3C Trace Context has as `traceparent`, and the `tracestate` behind it; of what nobody traces, none.
_TRACE = Meets(lambda value: value is None or isinstance(value, str) and re.fullmatch(
    "00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}( .*)?", value) is not None, "a traceparent or nothing")
_TRACED = {"effects": "key", "outbox": "seq", "timers": "n", "sagas": "id"}
# Tables that nothing of the load writes to.
_EMPTY = {"timers": "n", "unsettled": "key"}
_OF_PEOPLE = {"forced_breakers": "node"}
# Tables that only subscribers have rows in.
_OF_SUBSCRIBERS = {"subscription": "one", "partitions": "partition", "postponed": "position",
                   "handled_topics": "pattern"}


class Frame:
    def __init__(self, run: Run) -> None:
        self._run = run
        self._findings = run.findings
        # The migrations of components that several databases have, by component and version.
        self._versions: dict[tuple[str, int], tuple[str, str, str]] = {}
        # The newest version of each component, by database.
        self._latest: dict[str, dict[str, int]] = {}
        # The node of each process, and where it was read.
        self._nodes: dict[bytes, tuple[str, str]] = {}
        # The process of a node that was begun at a moment, and where it was read.
        self._begun: dict[tuple[str, int], tuple[bytes, str]] = {}

    def check(self) -> None:
        for name in self._run.books.names():
            database = self._run.books[name]
            self._check_meta(database)
            self._check_versions(database)
            if name == "journal":
                continue
            self._check_writers(database)
            self._check_traces(database)
            if name in SUBSCRIBERS:
                self._check_handled_topics(database)
            empty = dict(_EMPTY)
            empty |= {} if name in SUBSCRIBERS else _OF_SUBSCRIBERS
            empty |= _OF_PEOPLE if self._run.only_load else {}
            for table, key in empty.items():
                for row in database.rows(table):
                    self._extra(database.table(table), row[key])
        self._compare_versions()
        if self._run.only_load:
            for name in IDLE:
                self._check_idle(name, {"inbox": "id", "outbox": "seq", name: f"{name[:-1]}_id"})
            # It is told, and never asked to do anything.
            self._check_idle("notifications", {"inbox": "id"})
            # Its cases are of books that do not agree.
            self._check_idle("reconciliation", {"inbox": "id", "outbox": "seq", "cases": "case_id"})

    def _extra(self, table: str, key: object) -> None:
        self._findings.add("I21", f"{table} {ids.text(key)}", "is there, and nobody asked for it")

    def _check_meta(self, database: Database) -> None:
        rows = list(database.rows("troupe_meta"))
        where = database.table("troupe_meta")
        if len(rows) != 1:
            self._findings.add("I21", where, f"has {len(rows)} rows, should have 1")
        for row in rows:
            compare(self._findings, "I21", where, row, {
                "one": 1, "capability": _OWNER.get(database.name, database.name),
                "instance": _VERSION_7})
            if isinstance(row["instance"], bytes):
                born = ids.birth(row["instance"])
                compare(self._findings, "I21", where, row,
                        {"created_at": between(born - CLOCK_MS, born + CLOCK_MS)})

    def _check_versions(self, database: Database) -> None:
        latest: dict[str, int] = {}
        table = database.table("schema_versions")
        at = 0
        for row in database.rows("schema_versions", "component, version"):
            component, version = row["component"], row["version"]
            where = f"{table} {component} {version}"
            if component not in _COMPONENTS[database.name] | _OF_SHARED.get(database.name, set()):
                self._extra(table, f"{component} {version}")
            if version != latest.get(component, 0) + 1:
                self._findings.add("I21", where, f"comes after version {latest.get(component, 0)}")
            at = at if component in latest else 0
            latest[component] = version
            compare(self._findings, "I21", where, row, {
                "digest": _DIGEST, "at": between(max(at, self._run.begin) - CLOCK_MS, self._run.end),
                "name": Meets(lambda value: isinstance(value, str) and value != "", "a name")})
            at = row["at"] if isinstance(row["at"], int) else at
            mine = (row["digest"], row["name"], where)
            first = self._versions.setdefault((component, version), mine)
            if mine[:2] != first[:2]:
                self._findings.add("I21", where, f"is {mine[:2]}, should be {first[:2]} as in {first[2]}")
        for component, version in latest.items():
            self._latest.setdefault(component, {})[database.name] = version
        for component in sorted(_COMPONENTS[database.name] - latest.keys()):
            self._findings.add("I21", table, f"{component} is missing")

    def _compare_versions(self) -> None:
        """All databases were opened by the same programs."""
        for component, versions in self._latest.items():
            newest = max(versions.values())
            for name, version in versions.items():
                if version < newest and self._findings.final:
                    self._findings.add("I21", f"{name}.db schema_versions {component} {version + 1}",
                                       "is missing; other databases have it")

    def _check_writers(self, database: Database) -> None:
        """A process opens its databases one after the other; an earlier one of its node is fenced by
        the time all has ended."""
        table = database.table("writers")
        rows = list(database.rows("writers", "id"))
        newest = {row["node"]: row["id"] for row in rows}
        opened = self._run.begin
        for number, row in enumerate(rows, 1):
            where = f"{table} {row['id']}"
            if row["id"] != number:
                self._findings.add("I21", where, f"comes where {number} should be")
            compare(self._findings, "I21", where, row, {
                "incarnation": _VERSION_7, "fenced": one_of(0, 1),
                "opened_at": between(opened - CLOCK_MS, self._run.end),
                "resigned": one_of(0, 1), "asked": between(0, 1 << 62)})
            compare(self._findings, "I21", where, row, {"answered": between(0, row["asked"])})
            opened = row["opened_at"] if isinstance(row["opened_at"], int) else opened
            if isinstance(row["incarnation"], bytes):
                self._check_process(row, where)
            if (self._findings.final and not row["fenced"] and not row["resigned"]
                    and newest[row["node"]] != row["id"]):
                self._findings.add("I21", where, "fenced is 0, should be 1: its node has opened the "
                                                 f"database again as {newest[row['node']]}")
        if rows and all(row["fenced"] for row in rows):
            self._findings.add("I21", table, "fenced is 1 in every row, and nobody is left who fenced "
                                             "the last one")
        if not rows:
            self._findings.add("I21", table, "is empty, and somebody has written")

    def _check_handled_topics(self, database: Database) -> None:
        """Each process that is not fenced has said which topics it has handlers for."""
        table = database.table("handled_topics")
        writers = {row["incarnation"]: row["fenced"] for row in database.rows("writers", "id")}
        told = set()
        for row in database.rows("handled_topics"):
            told.add(row["incarnation"])
            if row["incarnation"] not in writers:
                self._findings.add("I21", f"{table} {ids.text(row['incarnation'])}",
                                   "incarnation is of no process that has written")
        for each in sorted(one for one, fenced in writers.items() if not fenced and one not in told):
            self._findings.add("I21", f"{table} {ids.text(each)}", "is missing")

    def _check_traces(self, database: Database) -> None:
        for name, key in _TRACED.items():
            if name == "sagas" and database.name != "order_saga":
                continue
            for row in database.rows(name):
                compare(self._findings, "I21", f"{database.table(name)} {ids.text(row[key])}", row,
                        {"trace": _TRACE})
        if database.name == "order_saga":
            # No step of an order's saga waits, and no saga has it as a step.
            for table, key in {"saga_answers": "saga", "saga_recalls": "saga"}.items():
                for row in database.rows(table):
                    self._extra(database.table(table), row[key])
            # Orders have no limit of how many run at once, so none is in a line.
            for row in database.rows("sagas"):
                compare(self._findings, "I21", f"{database.table('sagas')} {ids.text(row['id'])}", row,
                        {"line": None})
            for row in database.rows("saga_tables"):
                compare(self._findings, "I21", f"{database.table('saga_tables')} {row['fingerprint']}",
                        row, {"operation": "place",
                              "since": between(self._run.begin - CLOCKS_MS, self._run.end + CLOCKS_MS)})

    def _check_process(self, row: dict, where: str) -> None:
        born = ids.birth(row["incarnation"])
        known, place = self._nodes.setdefault(row["incarnation"], (row["node"], where))
        if row["node"] != known:
            self._findings.add("I21", where, f"node is {row['node']}, should be {known} as in {place}")
        first, place = self._begun.setdefault((row["node"], born), (row["incarnation"], where))
        if row["incarnation"] != first:
            self._findings.add("I21", where, f"incarnation is {ids.text(row['incarnation'])}, should be "
                                             f"{ids.text(first)} as in {place}")
        if isinstance(row["opened_at"], int) and row["opened_at"] < born - CLOCK_MS:
            self._findings.add("I21", where, f"opened_at is {row['opened_at']}, should be {born} at "
                                             "least, when the process began")
        if not self._run.begin - CLOCKS_MS <= born <= self._run.end:
            self._findings.add("I21", where, "incarnation is of another time")

    def _check_idle(self, name: str, keys: dict[str, str]) -> None:
        """@param keys of the tables that nobody has a reason to write to."""
        if name not in self._run.books:
            return
        database = self._run.books[name]
        for table, key in keys.items():
            for row in database.rows(table):
                self._extra(database.table(table), row[key])
