"""The order book: orders.db against the orders. Its events, in their order, are what the journal has."""

import dataclasses

import expected
import ids
from expected import CONFIRM, CREATE, Order
from findings import Wanted, between, compare_table
from run import CLOCK_MS, Run
from saga_path import Path


@dataclasses.dataclass(frozen=True)
class Told:
    """An event as it must be in the outbox and in the journal."""

    topic: str
    id: bytes
    key: str
    body: bytes
    # Not before this moment.
    at: int


def possible(path: Path) -> list[str]:
    """What may have become of an order, the likeliest first."""
    create, confirm = path.steps[CREATE], path.steps[CONFIRM]
    if create.do == "done" and create.undo == "not":
        return {"done": ["confirmed"], "not": ["created"]}.get(confirm.do, ["created", "confirmed"])
    if create.do == "done":
        return ["cancelled"] if create.undo == "done" else ["created", "cancelled"]
    if create.do == "maybe":
        return ["cancelled", "tombstone"] if create.undo == "done" else \
            ["absent", "created", "cancelled", "tombstone"]
    return ["absent", "created"] if create.do == "open" else ["absent"]


class OrderBook:
    def __init__(self, run: Run, orders: dict[bytes, Order]) -> None:
        self._run = run
        self._orders = orders
        self._findings = run.findings
        self._book = run.books["orders"]
        # What was told, in the order in which it was committed.
        self.told: list[Told] = []

    def check(self) -> None:
        found = self._book.by_key("orders", "order_id")
        self._resolve(found)
        history = self._book.by_key("events", "stream", "version")
        self._compare_orders(found, history)
        self._compare_lines()
        self._compare_history(history)
        for row in self._book.rows("snapshots"):
            self._findings.add("I21", f"orders.db snapshots {ids.text(row['stream'])}",
                               "is there; the order book makes none")

    def _resolve(self, found: dict[bytes, dict]) -> None:
        for key, order in self._orders.items():
            row = found.get(key)
            state = "absent" if row is None else row["state"]
            if row is not None and state == "cancelled" and row["customer"] == "":
                state = "tombstone"
            may_be = possible(order.path)
            order.book = state if state in may_be else may_be[0]
            if state not in may_be:
                self._findings.add(
                    "I8", f"orders.db orders {order.text}",
                    f"state is {state}, should be {' or '.join(may_be)}, as its saga says")

    def _compare_orders(self, found: dict, history: dict) -> None:
        wanted = {}
        for key, order in self._orders.items():
            row = expected.order_row(order)
            first = history.get((key, 1))
            if row is not None:
                if first is not None:
                    row["created_at"] = first["at"]
                wanted[key] = Wanted(row)
        compare_table(self._findings, "I19", "orders.db orders", found, wanted, extra="I8")

    def _compare_lines(self) -> None:
        wanted = {key: Wanted(row) for order in self._orders.values()
                  for key, row in expected.order_lines(order).items()}
        compare_table(self._findings, "I2", "orders.db order_lines",
                      self._book.by_key("order_lines", "order_id", "sku"), wanted)

    def _compare_history(self, found: dict) -> None:
        wanted, told = {}, {}
        for key, order in self._orders.items():
            tells = expected.told(order)
            events = expected.history(order)
            for version, row in enumerate(events, 1):
                at = self._time(order, row["type"])
                wanted[key, version] = Wanted({**row, "at": at} if at else row)
                if row["type"] in tells:
                    told[key, version] = (row["type"], *tells[row["type"]], order.text)
        compare_table(self._findings, "I19", "orders.db events", found, wanted)
        rows = sorted(found.items(), key=lambda item: item[1]["position"])
        latest: dict[bytes, int] = {}
        for place, ((stream, version), row) in enumerate(rows, 1):
            where = f"orders.db events {ids.text(stream)} {version}"
            if row["position"] != place:
                self._findings.add("I12", where, f"position is {row['position']}, should be {place}")
            if version != latest.get(stream, 0) + 1:
                self._findings.add("I12", where, f"version {version} comes after version "
                                                 f"{latest.get(stream, 0)} of the order")
            latest[stream] = version
            kind, *what = told.get((stream, version), ("",))
            if kind == row["type"]:  # An order that was cancelled before it came is not told.
                topic, event, body, key = what
                self.told.append(Told(topic, event, key, body, row["at"]))

    def _time(self, order: Order, kind: str):
        step = order.path.steps[CONFIRM if kind == "confirmed" else CREATE]
        if not step.asked_at:
            return None
        return between(step.asked_at - CLOCK_MS, step.ended_at + CLOCK_MS
                       if order.path.is_over else self._run.end)
