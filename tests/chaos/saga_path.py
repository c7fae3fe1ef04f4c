"""A saga's journal, replayed row by row under the rules of runtime/saga/README.md: what was asked of
whom, what came of it, and whatever does not follow."""

import dataclasses
from typing import Any

import ids
from packed import read_map

STARTED, INTENT, DONE, FAILED, UNDO_INTENT, UNDONE, COMPLETED, COMPENSATED, PARKED, RESUMED = \
    range(1, 11)
KINDS = ("", "started", "intent", "done", "failed", "undo_intent", "undone", "completed",
         "compensated", "parked", "resumed")
LAST_STEP = len(ids.STEPS) - 1

# Refusals that an inbox keeps, so that they are the answer to the id for good.
KEPT_REFUSALS = ("rejected", "conflict", "forbidden")

PHASES = {"forward": 0, "undoing": 1, "completed": 2, "compensated": 3, "parked": 4}


@dataclasses.dataclass
class Row:
    seq: int
    kind: int
    step: int
    round: int
    attempt: int
    epoch: int
    at: int
    data: bytes

    @property
    def kind_name(self) -> str:
        return KINDS[self.kind] if 0 < self.kind < len(KINDS) else f"kind {self.kind}"


@dataclasses.dataclass
class Step:
    """What came of one step. `do`: not (asked), open, done, refused (for good), failed (nothing
    happened), maybe. `undo`: not, open, done."""

    do: str = "not"
    undo: str = "not"
    rounds: list[int] = dataclasses.field(default_factory=list)
    undo_rounds: list[int] = dataclasses.field(default_factory=list)
    # Rounds that were refused: nothing was done in them.
    refused: list[int] = dataclasses.field(default_factory=list)

    def round_of(self, undo: bool) -> int:
        """The first round that may have done it, or undone it."""
        rounds = self.undo_rounds if undo else self.rounds
        return next((each for each in rounds if each not in self.refused), 0)
    # The reply of a step that is done, the error of one that is refused.
    data: bytes = b""
    # When the first try and the last answer were written down; 0: not.
    asked_at: int = 0
    ended_at: int = 0


@dataclasses.dataclass
class Path:
    steps: list[Step] = dataclasses.field(default_factory=lambda: [Step() for _ in ids.STEPS])
    phase: str = "forward"
    epoch: int = 1
    # The step that failed for good, and why.
    failed_at: int = -1
    why: dict[str, Any] | None = None
    # Whether the journal was followed up to its end.
    whole: bool = True

    @property
    def is_over(self) -> bool:
        return self.phase in ("completed", "compensated")


class _Replay:
    """Follows the rows. `due` is what may come next: (kind, step) each."""

    def __init__(self) -> None:
        self.path = Path()
        self.faults: list[tuple[str, str]] = []
        self._before: Row | None = None
        self._round = 0
        self._due: list[tuple[int, int]] = [(STARTED, 0)]
        # Rows of one decision come together: after these the journal may not end.
        self._half = True

    def take(self, row: Row) -> bool:
        """@return whether what follows can be understood at all."""
        self._check_sequence(row)
        if (row.kind, row.step) not in self._due:
            due = " or ".join(f"{KINDS[kind]} of step {step}" for kind, step in self._due)
            undoes = row.kind in (INTENT, UNDO_INTENT, UNDONE, COMPENSATED) and self._before
            self.faults.append((
                "I6" if undoes else "I7",
                f"row {row.seq} is {row.kind_name} of step {row.step}, should be {due or 'none'}"))
            self.path.whole = False
            return False
        step = self.path.steps[row.step]
        step.asked_at, step.ended_at = step.asked_at or row.at, row.at
        getattr(self, f"_{KINDS[row.kind]}")(row, step)
        self._before = row
        return True

    def end(self) -> None:
        if self._half and self.path.whole:
            self.faults.append(("I7", f"ends in the middle of a decision, after row "
                                      f"{self._before.seq if self._before else 0}"))
            self.path.whole = False

    def _check_sequence(self, row: Row) -> None:
        before = self._before
        if row.seq != (before.seq if before else 0) + 1:
            self.faults.append(("I7", f"row {row.seq} follows row {before.seq if before else 0}"))
        if row.epoch < (before.epoch if before else 1) or (not before and row.epoch != 1):
            self.faults.append(("I7", f"row {row.seq} has epoch {row.epoch}, should be "
                                      f"{before.epoch if before else 1}"
                                      f"{' or more' if before else ''}"))
        if before and row.epoch > before.epoch and self._half:
            self.faults.append(("I7", f"row {row.seq} has epoch {row.epoch}, and the row of the same "
                                      f"decision before it {before.epoch}"))
        wants_attempt = row.kind in (DONE, FAILED, UNDONE, PARKED)
        if (row.attempt >= 1) != wants_attempt:
            self.faults.append(("I7", f"row {row.seq} ({row.kind_name}) has attempt {row.attempt}, "
                                      f"should be {'1 or more' if wants_attempt else 0}"))
        if row.data and row.kind not in (STARTED, INTENT, DONE, FAILED, UNDO_INTENT, PARKED):
            self.faults.append(("I7", f"row {row.seq} ({row.kind_name}) has data, should have none"))
        self.path.epoch = row.epoch

    def _expect_round(self, row: Row, wanted: int) -> None:
        if row.round != wanted:
            self.faults.append(("I7", f"row {row.seq} ({row.kind_name}) has round {row.round}, "
                                      f"should be {wanted}"))

    def _go(self, half: bool, *due: tuple[int, int]) -> None:
        self._half, self._due = half, list(due)

    def _started(self, row: Row, _: Step) -> None:
        self._expect_round(row, 0)
        self._go(True, (INTENT, 0))

    def _intent(self, row: Row, step: Step) -> None:
        same = step.rounds[-1:] if self._before and self._before.kind == RESUMED else []
        if row.round not in (self._round, *same):
            self._expect_round(row, self._round)
        step.do, step.rounds = "open", [*step.rounds, row.round]
        fails = [(FAILED, row.step)] if row.step < LAST_STEP else []
        self._go(False, (DONE, row.step), (PARKED, row.step), *fails)

    def _done(self, row: Row, step: Step) -> None:
        self._expect_round(row, step.rounds[-1])
        step.do, step.data = "done", row.data
        self._go(True, (INTENT, row.step + 1) if row.step < LAST_STEP else (COMPLETED, row.step))

    def _failed(self, row: Row, step: Step) -> None:
        self._expect_round(row, step.rounds[-1])
        why = read_map(row.data) or {}
        if not isinstance(why.get("code"), str) or why.get("effect") not in ("none", "unknown"):
            self.faults.append(("I7", f"row {row.seq} (failed) holds no error"))
        maybe = why.get("effect") != "none"
        step.do = "maybe" if maybe else "refused" if why.get("code") in KEPT_REFUSALS else "failed"
        step.data = row.data
        self.path.failed_at, self.path.why = row.step, why
        self._undo_next(row.step + 1 if maybe else row.step, row.step)

    def _undo_next(self, below: int, current: int) -> None:
        self.path.phase = "undoing"
        self._go(True, (UNDO_INTENT, below - 1) if below > 0 else (COMPENSATED, current))

    def _undo_intent(self, row: Row, step: Step) -> None:
        same = step.undo_rounds[-1:] if self._before and self._before.kind == RESUMED else []
        if row.round not in (self._round, *same):
            self._expect_round(row, self._round)
        step.undo, step.undo_rounds = "open", [*step.undo_rounds, row.round]
        self._go(False, (UNDONE, row.step), (PARKED, row.step))

    def _undone(self, row: Row, step: Step) -> None:
        self._expect_round(row, step.undo_rounds[-1])
        step.undo = "done"
        self._undo_next(row.step, row.step)

    def _completed(self, row: Row, _: Step) -> None:
        self._expect_round(row, self._round)
        self.path.phase = "completed"
        self._go(False)

    def _compensated(self, row: Row, _: Step) -> None:
        self._expect_round(row, self._round)
        self.path.phase = "compensated"
        self._go(False)

    def _parked(self, row: Row, step: Step) -> None:
        self._expect_round(row, (step.undo_rounds if step.undo == "open" else step.rounds)[-1])
        why = read_map(row.data) or {}
        if not why.get("message"):
            self.faults.append(("I5", f"row {row.seq} (parked) says no reason"))
        if why.get("effect") == "none":
            step.refused.append(row.round)
        self.path.phase = "parked"
        self._go(False, (RESUMED, row.step))

    def _resumed(self, row: Row, step: Step) -> None:
        self._round += 1
        self._expect_round(row, self._round)
        undoing = step.undo == "open"
        self.path.phase = "undoing" if undoing else "forward"
        self._go(True, (UNDO_INTENT if undoing else INTENT, row.step))


def replay(rows: list[Row]) -> tuple[Path, list[tuple[str, str]]]:
    """The path of a saga's rows, and (invariant, what) for all that is wrong with them."""
    walk = _Replay()
    for row in rows:
        if not walk.take(row):
            break
    walk.end()
    return walk.path, walk.faults


def path_of_word(confirmed: bool, reason: str = "") -> Path:
    """The path of a saga of which only its answer is known: placed, or refused for a reason."""
    path = Path(phase="completed" if confirmed else "compensated", whole=False)
    fails = 4 if confirmed else 2 if reason == "payment_declined" else 1
    for number, step in enumerate(path.steps):
        if number < fails:
            step.do, step.rounds = "done", [0]
            if not confirmed:
                step.undo, step.undo_rounds = "done", [0]
        elif number == fails:
            step.do, step.rounds = "refused", [0]
    if not confirmed:
        path.failed_at = fails
    return path
