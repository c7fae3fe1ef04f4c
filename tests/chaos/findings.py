"""Findings: what a row should hold and does not, by invariant."""

import dataclasses
import re
from collections.abc import Callable, Mapping
from typing import Any

import ids
import packed

TITLES = {
    "I1": "stock: initial as delivered, available = initial - held",
    "I2": "claims and reservations are those of the orders' lines",
    "I3": "money: payments and ledger hold each order's amount, or 0",
    "I3b": "the provider's log: each transfer once, by its own key",
    "I4": "what the client was told is what the books say",
    "I4b": "one id, one answer",
    "I5": "every saga ended, or is parked",
    "I6": "undone in exactly reverse order, each step once",
    "I7": "saga journal: no gaps, epochs rise, and each row's data",
    "I8": "saga and participants agree on each step",
    "I9": "at least once: what became of an order is told, and mailed",
    "I10": "exactly once in effect: one event, one mail, one file",
    "I11": "nothing from nowhere: no event, no mail without its order",
    "I12": "in order: events as the order book has them",
    "I13": "an acknowledged publish is in the journal, at its position",
    "I17": "nothing vanishes: positions, topics, outboxes, dead letters",
    "I18": "cursors and positions stand where the last event was handled",
    "I19": "orders and their history are what was asked for",
    "I20": "inboxes: each call once, its digest, its answer",
    "I21": "nothing else: writers, versions, timers, breakers, snapshots",
}

# What holds at every moment, of one database alone; the rest only once nothing is under way.
ALWAYS = ("I1", "I3b", "I7", "I10", "I11", "I18")

EXAMPLES_MAX = 12


@dataclasses.dataclass
class Result:
    """What came of one invariant: how many rows violate it, and the first of them."""

    violations: int = 0
    first_key: str = ""
    first: str = ""
    # What of it was not looked at, as there is nothing to look at; and whether that is all of it.
    without: list[str] = dataclasses.field(default_factory=list)
    checked: bool = True
    examples: list[str] = dataclasses.field(default_factory=list)


class Findings:
    """Collects them. While the shop runs only those of ALWAYS count.

    @param excuses patterns of findings that somebody knows the reason of: they are counted apart.
    """

    def __init__(self, while_running: bool = False, excuses: list[re.Pattern[str]] | None = None) -> None:
        self.final = not while_running
        self.excused = 0
        self._excuses = excuses or []
        self.results = {name: Result() for name in (ALWAYS if while_running else TITLES)}

    def add(self, invariant: str, where: str, what: str) -> None:
        result = self.results.get(invariant)
        if result is None:
            return
        if self._excuses and any(each.fullmatch(f"{where}: {what}") for each in self._excuses):
            self.excused += 1
            return
        if result.violations == 0:
            result.first_key, result.first = where, what
        if len(result.examples) < EXAMPLES_MAX:
            result.examples.append(f"{where}: {what}")
        result.violations += 1

    def without(self, invariant: str, what: str, anything: bool = True) -> None:
        """Notes what is not there to be looked at. @param anything whether the rest was checked."""
        result = self.results.get(invariant)
        if result is not None:
            result.checked = result.checked and anything
            if what not in result.without:
                result.without.append(what)


@dataclasses.dataclass(frozen=True)
class Meets:
    """A value that is not known, but what it must be like is."""

    fits: Callable[[Any], bool]
    text: str


ANYTHING = Meets(lambda _: True, "anything")


def between(low: int, high: int) -> Meets:
    return Meets(lambda value: isinstance(value, int) and low <= value <= high,
                 f"from {low} to {high}")


def one_of(*values: Any) -> Meets:
    return Meets(lambda value: value in values, " or ".join(show(each) for each in values))


def show(value: Any) -> str:
    """A value for people: ids as such, MessagePack as what it holds."""
    if isinstance(value, Meets):
        return value.text
    if isinstance(value, bytes):
        if len(value) == 16:
            return ids.text(value)
        try:
            return _cut(repr(packed.unpack(value)))
        except ValueError:
            return f"x'{_cut(value.hex())}'"
    return _cut(repr(value))


def _cut(text: str) -> str:
    return text if len(text) <= 200 else text[:200] + " ..."


def differences(found: Mapping[str, Any], wanted: Mapping[str, Any]) -> list[str]:
    """A text for each column that does not hold what it should."""
    texts = []
    for column, want in wanted.items():
        value = found.get(column)
        is_good = want.fits(value) if isinstance(want, Meets) else \
            value == want and isinstance(value, bytes) == isinstance(want, bytes)
        if not is_good:
            texts.append(f"{column} is {show(value)}, should be {show(want)}")
    return texts


def compare(findings: Findings, invariant: str, where: str,
            found: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    """Whether a row holds what it should."""
    texts = differences(found, wanted)
    if texts:
        findings.add(invariant, where, "; ".join(texts))
    return not texts


@dataclasses.dataclass(frozen=True)
class Wanted:
    """A row that should be there, or only may."""

    columns: Mapping[str, Any]
    required: bool = True


def compare_table(findings: Findings, invariant: str, table: str,
                  found: Mapping[Any, Mapping[str, Any]], wanted: Mapping[Any, Wanted],
                  missing: str = "", extra: str = "") -> None:
    """Compares in both directions. @param missing, extra invariants of such rows, if others."""
    for key, row in found.items():
        want = wanted.get(key)
        if want is None:
            findings.add(extra or invariant, f"{table} {row_name(key)}",
                         f"is there ({_brief(row)}), and should not be")
        else:
            compare(findings, invariant, f"{table} {row_name(key)}", row, want.columns)
    for key, want in wanted.items():
        if want.required and key not in found:
            findings.add(missing or invariant, f"{table} {row_name(key)}",
                         f"is missing; should be there with {_brief(want.columns)}")


def row_name(key: Any) -> str:
    return " ".join(ids.text(part) for part in key) if isinstance(key, tuple) else ids.text(key)


def _brief(row: Mapping[str, Any]) -> str:
    return _cut(", ".join(f"{name} {show(value)}" for name, value in list(row.items())[:6]))
