"""Sagas: each one's row and journal against the request, the client's word, and what its steps may have
come to. Gives the orders, of which all other books follow."""

import itertools
import re
from collections.abc import Iterator

import expected
import ids
from expected import CHARGE, CREATE, RESERVE, Order
from findings import between, compare, one_of, show
from run import CLOCK_MS, CLOCKS_MS, Run
from saga_path import (
    DONE, FAILED, INTENT, LAST_STEP, PHASES, STARTED, UNDO_INTENT, Path, Row, path_of_word, replay)
from wishes import Asked, Shelf, Wish, wish_of_body
from xxh3 import xxh64

# The words of an answer after which no saga was begun.
_NEVER_BEGUN = ("invalid", "conflict", "forbidden")
# What the saga's time is: it begins with that much, or less if its caller had less.
_DEADLINE_MS = 10_000
# The shortest time between two tries.
_PAUSE_MS = 30
_LEFT = re.compile(r" and (\d+) are left\.$")


def fingerprint() -> bytes:
    """Of the steps' names, capabilities, operations, undos and kinds, as their journal begins with it."""
    kinds = {CHARGE: 1, LAST_STEP: 2}
    text = b"place"
    for number, name in enumerate(ids.STEPS):
        words = (name, expected.CAPABILITY[number], name, expected.UNDO[number])
        text += b"".join(b"\0" + word.encode() for word in words) + bytes([kinds.get(number, 0)])
    return xxh64(text).to_bytes(8, "big")


class Sagas:
    """Reads them all. `orders` has one entry for each that was begun, or must have been."""

    def __init__(self, run: Run) -> None:
        self.orders: dict[bytes, Order] = {}
        # Sagas that are over for longer than they are kept.
        self.forgotten = 0
        self._run = run
        self._findings = run.findings
        self._shelves = run.shelves
        self._fingerprint = fingerprint()
        self._saga = run.books["order_saga"]

    def read(self) -> None:
        rows = self._saga.by_key("sagas", "id")
        writers = self._saga.by_key("writers", "id")
        started = {row["id"]: row["node"] for row in self._saga.rows("inbox")}
        epoch_max = 1 + sum(row["fenced"] != 0 for row in writers.values())
        seen = set()
        for saga, journal in self._journals():
            seen.add(saga)
            path, faults = replay(journal)
            for invariant, what in faults:
                self._findings.add(invariant, f"order_saga.db saga_journal {ids.text(saga)}", what)
            order = self._order(saga, path, journal)
            if order is not None:
                self.orders[saga] = order
                self._check_data(order, journal)
            self._check_times(saga, journal)
            row = rows.get(saga)
            if row is None:
                self._findings.add("I5", f"order_saga.db sagas {ids.text(saga)}",
                                   "is missing; it has a journal")
                continue
            self._check_row(row, path, epoch_max)
            writer = writers.get(row["writer"])
            if writer is None or (row["epoch"] == 1
                                  and writer["node"] != started.get(saga, writer["node"])):
                self._findings.add(
                    "I7", f"order_saga.db sagas {ids.text(saga)}",
                    f"writer is {row['writer']}, should be one of the node that took the call, "
                    f"{started.get(saga)}")
        for saga in rows.keys() - seen:
            self._findings.add("I5", f"order_saga.db saga_journal {ids.text(saga)}",
                               "is missing; the saga has a row")
        self._hear_client()

    def _journals(self) -> Iterator[tuple[bytes, list[Row]]]:
        rows = self._saga.rows("saga_journal", "saga, seq")
        for saga, group in itertools.groupby(rows, key=lambda row: row["saga"]):
            yield saga, [Row(row["seq"], row["kind"], row["step"], row["round"], row["attempt"],
                             row["epoch"], row["at"], row["data"] or b"") for row in group]

    def _wish(self, order: bytes, body: bytes) -> Wish | None:
        asked = self._run.log.orders.get(order)
        if asked is not None and self._run.wishes is not None and asked.line is not None:
            wish = self._run.wishes.get(asked.line)
            if wish is None:
                self._findings.add("I4", f"client.log {ids.text(order)}",
                                   f"line is {asked.line}, should be one of the file of orders")
            return wish or wish_of_body(body)
        return wish_of_body(body)

    def _order(self, saga: bytes, path: Path, journal: list[Row]) -> Order | None:
        body = journal[0].data[16:] if journal[0].kind == STARTED else b""
        wish = self._wish(saga, body)
        if wish is None:
            self._findings.add("I7", f"order_saga.db saga_journal {ids.text(saga)} 1",
                               "its data holds no order")
            return None
        return Order(saga, wish, path, expected.total_of(wish, self._shelves))

    def _check_row(self, row: dict, path: Path, epoch_max: int) -> None:
        # A saga that cannot be read or written down is parked by its row alone.
        may_be_parked = not path.is_over or not path.whole
        # One that turned back in an earlier release still has 0.
        phases = [0, 1] if path.phase == "undoing" else [PHASES[path.phase]]
        phases += [PHASES["parked"]] if may_be_parked and path.phase != "parked" else []
        where = f"order_saga.db sagas {ids.text(row['id'])}"
        compare(self._findings, "I5", where, row,
                {"operation": "place", "phase": one_of(*phases)})
        lowest = path.epoch
        compare(self._findings, "I7", where, row, {
            "epoch": lowest if path.is_over else between(lowest, max(lowest, epoch_max))})
        if path.epoch > epoch_max:
            self._findings.add("I7", where, f"epoch is {path.epoch}, should be {epoch_max} at most: "
                                            f"so many writers were fenced, and one")

    def _check_data(self, order: Order, journal: list[Row]) -> None:
        asked: set[tuple[int, int, int]] = set()
        for row in journal:
            if not 0 <= row.step <= LAST_STEP:
                break
            wanted: bytes | None = None
            if row.kind == STARTED:
                wanted = row.data[:8] + self._fingerprint + order.wish.body
                left = int.from_bytes(row.data[:8], "big") - row.at
                if not 0 <= left <= _DEADLINE_MS:
                    self._found(order, row, f"its deadline is {left} ms after `at`, should be 0 to "
                                            f"{_DEADLINE_MS}")
            elif row.kind in (INTENT, UNDO_INTENT):
                command = (row.kind, row.step, row.round)
                if command in asked or not row.data:
                    wanted = b""  # Asked again under its id; or written by an earlier release.
                elif row.step < CHARGE or order.total is not None:
                    wanted = expected.request_kept(order, row.step, row.kind == UNDO_INTENT)
                asked.add(command)
            elif row.kind == DONE:
                self._check_possible(order, row)
                if row.step == CREATE or order.total is not None:
                    wanted = expected.reply(order, row.step)
            elif row.kind == FAILED and order.path.steps[row.step].do == "refused":
                wanted = self._refusal(order, row)
            if wanted is not None and row.data != wanted:
                cut = 16 if row.kind == STARTED else 0
                self._found(order, row, f"data is {show(row.data[cut:])}, should be "
                                        f"{show(wanted[cut:])}")

    def _found(self, order: Order, row: Row, what: str, invariant: str = "I7") -> None:
        self._findings.add(
            invariant, f"order_saga.db saga_journal {order.text} {row.seq}", f"({row.kind_name}) {what}")

    def _check_possible(self, order: Order, row: Row) -> None:
        """Whether a step that is done could be."""
        refusal = None
        if row.step == RESERVE:
            refusal = expected.reserve_refusal(order.wish, self._shelves)
        elif row.step == CHARGE and expected.is_over(order.total, self._run.decline_over):
            refusal = expected.charge_refusal(order)
        if refusal is not None:
            self._found(order, row, f"is there, should be a refusal: {show(refusal)}", "I8")

    def _refusal(self, order: Order, row: Row) -> bytes | None:
        """The refusal as it must be, by the request alone."""
        why = order.path.why or {}
        details = why.get("details") or {}
        if row.step == CHARGE:
            if not expected.is_over(order.total, self._run.decline_over):
                self._found(order, row, f"is there, should be done: {order.total} cents can be charged",
                            "I8")
            return expected.charge_refusal(order)
        if row.step != RESERVE:
            return None
        short, left = "", 0
        if details.get("reason") == "out_of_stock":
            told = _LEFT.search(str(why.get("message")))
            short, left = str(details.get("sku")), int(told[1]) if told else -1
            if left >= dict(order.wish.items).get(short, 0):
                self._found(order, row, f"is there, should be done: {left} of {short} were left", "I8")
        wanted = expected.reserve_refusal(order.wish, self._shelves, short, left)
        if wanted is None and expected.total_of(order.wish, self._shelves) is not None:
            self._found(order, row, "is there, should be done: all lines can be had", "I8")
        return wanted

    def _check_times(self, saga: bytes, journal: list[Row]) -> None:
        low, born = self._run.begin, ids.birth(saga) - CLOCKS_MS
        first = journal[0].at
        for row in journal:
            where = f"order_saga.db saga_journal {ids.text(saga)} {row.seq}"
            compare(self._findings, "I7", where, vars(row),
                    {"at": between(max(low, born) - CLOCK_MS, self._run.end)})
            tries = 1 + max(0, row.at - first) // _PAUSE_MS
            if row.attempt > tries:
                self._findings.add("I7", where, f"attempt is {row.attempt}, should be {tries} at most")
            low = row.at

    # What the client was told.

    def _hear_client(self) -> None:
        log = self._run.log
        for where, what in log.faults:
            self._findings.add("I4", where, what)
        if not log.known:
            self._findings.without("I4", "no client log", anything=False)
            self._findings.without("I4b", "no client log", anything=False)
            return
        for key in self.orders.keys() - log.orders.keys():
            self._findings.add("I4", f"order_saga.db sagas {ids.text(key)}",
                               "is there, and no client asked for it")
        for key, asked in log.orders.items():
            for what in _answer_faults(key, asked):
                self._findings.add("I4b", f"client.log {ids.text(key)}", what)
            order = self.orders.get(key)
            if order is None:
                self._miss(key, asked)
            elif order.path.whole:
                self._compare_word(order, asked)

    def _miss(self, key: bytes, asked: Asked) -> None:
        """An order without a saga: if the client had an answer there must have been one, which may be
        forgotten by now."""
        reason = min(asked.reasons, default="")
        if not asked.ok and (not asked.refused or reason in _NEVER_BEGUN):
            return
        if ids.birth(key) < self._run.end - self._run.topology.sagas_kept("order_saga"):
            self.forgotten += 1
            return self._believe(key, asked, reason)
        told = f"placed for {sorted(map(str, asked.totals))[0]}" if asked.ok else f"refused ({reason})"
        self._findings.add("I4", f"order_saga.db sagas {ids.text(key)}",
                           f"is missing; the client was told that it was {told}")
        self._believe(key, asked, reason)

    def _believe(self, key: bytes, asked: Asked, reason: str) -> None:
        """An order of which only the client's word is known."""
        wish = self._wish(key, b"")
        if wish is not None:
            self.orders[key] = Order(key, wish, path_of_word(bool(asked.ok), reason),
                                     expected.total_of(wish, self._shelves))

    def _compare_word(self, order: Order, asked: Asked) -> None:
        path, where = order.path, f"client.log {order.text}"
        if asked.ok:
            if path.phase != "completed":
                self._findings.add("I4", where, f"was told that it was placed; the saga is {path.phase}")
            elif asked.totals != {order.total}:
                self._findings.add("I4", where, f"total_cents is {sorted(map(str, asked.totals))}, "
                                                f"should be {order.total}")
        elif asked.refused:
            reason = expected.reason_of(path.why or {}) if path.phase == "compensated" else ""
            if asked.reasons != {reason}:
                self._findings.add(
                    "I4", where, f"reason is {sorted(asked.reasons)}, should be "
                                 f"{reason or f'none: the saga is {path.phase}'!r}")


def _answer_faults(key: bytes, asked: Asked) -> Iterator[str]:
    """I4b: from the client's log alone."""
    if asked.order_ids - {ids.text(key)}:
        yield f"order_id is {sorted(asked.order_ids - {ids.text(key)})[0]}, should be its own"
    if len(asked.totals) > 1:
        yield f"answered with totals {sorted(map(str, asked.totals))}"
    if asked.ok and asked.refused:
        yield f"both placed and refused ({', '.join(sorted(asked.reasons))})"
    if len(asked.reasons) > 1:
        yield f"refused for {' and for '.join(sorted(asked.reasons))}"


def shelves_held(orders: dict[bytes, Order], shelves: dict[str, Shelf],
                 ever: bool) -> dict[str, int]:
    """Pieces of each product that orders hold; or ever held."""
    held = dict.fromkeys(shelves, 0)
    for order in orders.values():
        if order.goods == "held" or (ever and order.goods == "released"):
            for sku, quantity in order.wish.items:
                held[sku] = held.get(sku, 0) + quantity
    return held

