"""Money: payments.db and the provider's log against the orders."""

import pathlib
import uuid
from collections.abc import Sequence

import expected
import ids
from expected import CHARGE, Order
from findings import Wanted, compare_table
from run import Run
from saga_path import Path
from wishes import CannotCheck

Transfer = tuple[str, str, bytes, int]


def read_provider_log(path: pathlib.Path) -> list[Transfer]:
    """(key, kind, order, cents) of each line, repeats included; none if nothing was ever charged."""
    found: list[Transfer] = []
    if not path.exists():
        return found
    lines = path.read_text().split("\n")
    lines.pop()
    for number, line in enumerate(lines, 1):
        try:
            key, kind, order, cents = line.split()
            found.append((key, kind, uuid.UUID(order).bytes, int(cents)))
        except ValueError as fault:
            raise CannotCheck(f"{path}:{number}: no line of a provider: {fault}") from fault
    return found


def possible(path: Path, is_over: bool) -> list[str]:
    """What may have become of an order's payment, the likeliest first."""
    step = path.steps[CHARGE]
    ended, undone = ("declined", "cancelled") if is_over else ("charged", "refunded")
    if step.do == "done":
        return ["charged"]
    if step.do == "refused":
        return ["declined"]
    if step.do == "maybe":
        return [undone, "tombstone"] if step.undo == "done" else \
            ["absent", "charging", ended, "refunding", undone, "tombstone"]
    return {"open": ["absent", "charging", ended], "failed": ["absent", "charging"]}.get(
        step.do, ["absent"])


class Money:
    def __init__(self, run: Run, orders: dict[bytes, Order]) -> None:
        self._run = run
        self._orders = orders
        self._findings = run.findings
        self._payments = run.books["payments"]

    def check(self) -> None:
        found = self._payments.by_key("payments", "order_id")
        self._resolve(found)
        wanted = {}
        for key, order in self._orders.items():
            row = expected.payment_row(order, self._run.decline_over)
            if row is not None:
                wanted[key] = Wanted(row)
        compare_table(self._findings, "I3", "payments.db payments", found, wanted, extra="I8")
        compare_table(
            self._findings, "I3", "payments.db ledger",
            self._payments.by_key("ledger", "order_id", "kind"),
            {key: Wanted(row) for order in self._orders.values()
             for key, row in expected.ledger(order).items()})
        if self._run.provider is None:
            self._findings.without("I3b", "no log of the provider", anything=False)
        else:
            self._compare_provider(self._run.provider)

    def _resolve(self, found: dict) -> None:
        for key, order in self._orders.items():
            row = found.get(key)
            state = "absent" if row is None else row["state"]
            if row is not None and state == "cancelled" and row["card"] == "":
                state = "tombstone"
            may_be = possible(order.path, expected.is_over(order.total, self._run.decline_over))
            order.money = state if state in may_be else may_be[0]
            if state not in may_be:
                self._findings.add(
                    "I8", f"payments.db payments {order.text}",
                    f"state is {state}, should be {' or '.join(may_be)}, as its saga says")

    def _compare_provider(self, lines: Sequence[Transfer]) -> None:
        wanted: dict[tuple[str, str], tuple[bytes, int | None, bool]] = {}
        for order in self._orders.values():
            transfers = expected.transfers(order, self._run.decline_over)
            if not self._findings.final:  # The log is younger than the copies.
                transfers = {(order.payment_id, "capture"): False,
                             (ids.refund_key(order.payment_id), "refund"): False}
            for (key, kind), required in transfers.items():
                wanted[ids.text(key), kind] = (order.id, order.total, required)
        seen = set()
        for number, (key, kind, order_id, cents) in enumerate(lines, 1):
            where = f"provider.log:{number} {key} {kind}"
            want = wanted.get((key, kind))
            if want is None:
                if self._findings.final or order_id in self._orders:
                    self._findings.add("I3b", where, f"is there ({ids.text(order_id)} {cents}), and "
                                                     "should not be")
            elif (order_id, cents) != want[:2]:
                self._findings.add("I3b", where, f"is {ids.text(order_id)} {cents}, should be "
                                                 f"{ids.text(want[0])} {want[1]}")
            if kind == "refund" and self._findings.final \
                    and not any((ids.text(order.payment_id), "capture") in seen
                                for order in (self._orders.get(order_id),) if order):
                self._findings.add("I3b", where, "comes before what it pays back")
            seen.add((key, kind))
        if self._findings.final:
            for (key, kind), (order_id, cents, required) in wanted.items():
                if required and (key, kind) not in seen:
                    self._findings.add("I3b", f"provider.log {key} {kind}", f"is missing; should be "
                                       f"there with {ids.text(order_id)} {cents}")
