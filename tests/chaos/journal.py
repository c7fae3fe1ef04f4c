"""The saga journal, read row by row: I5, I6 and what I8 expects the participants to have."""

import dataclasses
import itertools
import sqlite3
from collections.abc import Iterator

from books import ANSWERED, PENDING, REFUSED, as_key
from msgpack_map import read_map

STARTED, INTENT, DONE, FAILED, UNDO_INTENT, UNDONE, COMPLETED, COMPENSATED, PARKED, RESUMED = \
    range(1, 11)
TERMINAL = (COMPLETED, COMPENSATED)

# A saga's phase, as its row says it, by the kind of the journal's last word on it.
_PHASE = {COMPLETED: 2, COMPENSATED: 3, PARKED: 4}
_ANSWER = {COMPLETED: ANSWERED, COMPENSATED: REFUSED}


@dataclasses.dataclass(frozen=True)
class Row:
    kind: int
    step: int
    data: bytes | None


@dataclasses.dataclass
class Finding:
    invariant: str
    key: str
    what: str


def _rows(books: sqlite3.Connection) -> Iterator[tuple[bytes, list[Row]]]:
    found = books.execute(
        "SELECT saga, kind, step, data FROM order_saga.saga_journal ORDER BY saga, seq")
    for saga, group in itertools.groupby(found, key=lambda row: row[0]):
        yield saga, [Row(*row[1:]) for row in group]


def _may_have_happened(row: Row) -> bool:
    """Whether a step that failed may have had its effect; so it is unless the error denies it."""
    why = read_map(row.data)
    return why is None or why.get("effect") != "none"


def _undo_order_faults(rows: list[Row]) -> Iterator[str]:
    """I6: undone in exactly reverse order, all of it, once, and nothing new after turning back."""
    to_undo: list[int] = []  # Done, or perhaps done, and not undone yet; in order.
    turned_back = resumed = False
    undoing: int | None = None
    for row in rows:
        if row.kind == INTENT and turned_back:
            yield f"step {row.step} is called after the saga turned back"
        elif row.kind == DONE:
            to_undo.append(row.step)
        elif row.kind == FAILED:
            turned_back = True
            if _may_have_happened(row):
                to_undo.append(row.step)
        elif row.kind == UNDO_INTENT:
            turned_back = True
            if not (resumed and undoing == row.step):
                if not to_undo or to_undo[-1] != row.step:
                    due = f"step {to_undo[-1]} is due" if to_undo else "nothing is left to undo"
                    yield f"step {row.step} is undone where {due}"
            undoing = row.step
        elif row.kind == UNDONE:
            if undoing != row.step:
                yield f"step {row.step} was undone without being asked to"
            if row.step in to_undo:
                to_undo.remove(row.step)
            undoing = None
        elif row.kind == COMPENSATED and to_undo:
            yield f"ends with steps {to_undo} not undone"
        resumed = row.kind == RESUMED or (resumed and row.kind != UNDONE)


def _effects_expected(rows: list[Row]) -> dict[int, bool | None]:
    """For each step: whether the participant must have its effect; None where the journal does not
    know."""
    expected: dict[int, bool | None] = {}
    for row in rows:
        if row.kind == INTENT:
            expected[row.step] = None
        elif row.kind == DONE:
            expected[row.step] = True
        elif row.kind == FAILED:
            expected[row.step] = None if _may_have_happened(row) else False
        elif row.kind == UNDO_INTENT:
            expected[row.step] = None
        elif row.kind == UNDONE:
            expected[row.step] = False
    return expected


def _end_faults(rows: list[Row], phase: int | None, inbox: int | None) -> Iterator[str]:
    """I5: it ended, its row says so, and so does the answer that is kept for the caller."""
    last = next((row for row in reversed(rows) if row.kind in (*TERMINAL, PARKED, RESUMED)), None)
    kind = last.kind if last is not None and last.kind != RESUMED else None
    if phase is None:
        yield "has a journal and no row"
    elif _PHASE.get(kind or 0, phase if phase in (0, 1) else -1) != phase:
        yield f"is in phase {phase}, which is not what its journal says"
    if kind == PARKED and last is not None and not (read_map(last.data) or {}).get("message"):
        yield "is parked without a reason"
    if kind in _ANSWER and inbox != _ANSWER[kind]:
        yield f"is over, and its answer is in state {inbox} (wanted: {_ANSWER[kind]})"
    if kind is None and inbox != PENDING:
        yield f"is under way, and its call is in state {inbox}"


def read(books: sqlite3.Connection) -> list[Finding]:
    """Goes through the journal once. Leaves behind the table `expected` (order_id, step, there)."""
    phases = dict(books.execute("SELECT id, phase FROM order_saga.sagas"))
    inbox = dict(books.execute(
        "SELECT id, state FROM order_saga.inbox WHERE operation = 'place'"))
    books.execute("CREATE TABLE expected (order_id BLOB, step INTEGER, there INTEGER)")
    found: list[Finding] = []
    seen = set()
    for saga, rows in _rows(books):
        seen.add(saga)
        key = as_key(saga)
        found += [Finding("I5", key, what)
                  for what in _end_faults(rows, phases.get(saga), inbox.get(saga))]
        found += [Finding("I6", key, what) for what in _undo_order_faults(rows)]
        expected = _effects_expected(rows)
        books.executemany(
            "INSERT INTO expected VALUES (?, ?, ?)",
            ((saga, step, expected.get(step, False)) for step in range(4)
             if expected.get(step, False) is not None))
    found += [Finding("I5", as_key(saga), "has a row and no journal")
              for saga in phases.keys() - seen]
    books.execute("CREATE INDEX expected_orders ON expected (order_id)")
    return found
