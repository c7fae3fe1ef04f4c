"""Goods: inventory.db against the orders and the delivery."""

import re

import expected
import ids
from expected import RESERVE, Order
from findings import Meets, Wanted, compare, compare_table, one_of
from packed import pack, read_map
from run import Run
from saga_path import Path
from sagas import shelves_held

_LEFT = re.compile(r" and (\d+) are left\.$")


def possible(path: Path) -> list[str]:
    """What may have become of an order's goods, the likeliest first."""
    step = path.steps[RESERVE]
    if step.do == "done":
        return {"not": ["held"], "done": ["released"]}.get(step.undo, ["held", "released"])
    if step.do == "maybe":
        return ["tombstone", "released"] if step.undo == "done" else \
            ["absent", "held", "released", "tombstone"]
    return ["absent", "held"] if step.do == "open" else ["absent"]


class Goods:
    def __init__(self, run: Run, orders: dict[bytes, Order]) -> None:
        self._run = run
        self._orders = orders
        self._findings = run.findings
        self._inventory = run.books["inventory"]
        self._shelves = run.shelves

    def check(self) -> None:
        found = self._inventory.by_key("reservations", "order_id", "sku")
        claims = self._inventory.by_key("claims", "order_id")
        self._resolve(found, claims)
        wanted = {key: Wanted(row) for order in self._orders.values()
                  for key, row in expected.reservations(order, self._shelves).items()}
        compare_table(self._findings, "I2", "inventory.db reservations", found, wanted, extra="I8")
        compare_table(
            self._findings, "I2", "inventory.db claims", claims,
            {key: Wanted({}) for key, order in self._orders.items() if order.goods != "absent"})
        self._compare_stock(found)
        if self._findings.final:
            self._check_shortages()

    def _resolve(self, found: dict, claims: dict) -> None:
        states: dict[bytes, set[str]] = {}
        for (order_id, _), row in found.items():
            states.setdefault(order_id, set()).add(row["state"])
        for key, order in self._orders.items():
            has = sorted(states.get(key, ()))
            state = has[0] if has else "tombstone" if key in claims else "absent"
            may_be = possible(order.path)
            order.goods = state if state in may_be else may_be[0]
            if state not in may_be:
                self._findings.add(
                    "I8", f"inventory.db reservations {order.text}",
                    f"state is {state}, should be {' or '.join(may_be)}, as its saga says")

    def _compare_stock(self, reservations: dict) -> None:
        """Of one database alone, so that it holds at every moment."""
        held: dict[str, int] = {}
        for (_, sku), row in reservations.items():
            if row["state"] == "held" and isinstance(row["quantity"], int):
                held[sku] = held.get(sku, 0) + row["quantity"]
        by_orders = shelves_held(self._orders, self._shelves, ever=False)
        found = self._inventory.by_key("stock", "sku")
        wanted = {}
        for sku, shelf in self._shelves.items():
            left = shelf.initial - (by_orders if self._findings.final else held).get(sku, 0)
            wanted[sku] = Wanted({"price_cents": shelf.price, "currency": shelf.currency,
                                  "initial": shelf.initial, "available": left})
        is_loaded = self._findings.final or bool(found)
        compare_table(self._findings, "I1", "inventory.db stock", found, wanted if is_loaded else {})
        for sku in held.keys() - found.keys():
            self._findings.add("I1", f"inventory.db stock {sku}",
                               f"is missing; {held[sku]} of it are held")
        if self._run.delivery is None:
            self._findings.without("I1", "no file of stock")

    def _check_shortages(self) -> None:
        """Whether so few can have been left as a refusal says."""
        ever = shelves_held(self._orders, self._shelves, ever=True)
        for order in self._orders.values():
            why = order.path.why or {}
            details = why.get("details") or {}
            if order.path.failed_at != RESERVE or details.get("reason") != "out_of_stock":
                continue
            sku, told = details.get("sku"), _LEFT.search(str(why.get("message")))
            shelf = self._shelves.get(str(sku))
            if shelf is None or told is None:
                continue
            # Without a delivery more may have been brought since.
            least = shelf.initial - ever[sku] if self._run.delivery else 0
            if not least <= int(told[1]) <= shelf.initial:
                self._findings.add(
                    "I8", f"order_saga.db saga_journal {order.text}",
                    f"says that {told[1]} of {sku} were left, should be from {least} to "
                    f"{shelf.initial}")

    def check_loads(self, inbox: dict[bytes, dict]) -> set[bytes]:
        """The calls that brought the stock. @return their ids."""
        loads = {key: row for key, row in inbox.items() if row["operation"] == "load"}
        added = 0
        for key, row in loads.items():
            said = (read_map(row["reply"]) or {}).get("added")
            added += said if isinstance(said, int) else 0
            digest = ids.call_digest("load", self._run.delivery.body) if self._run.delivery else None
            compare(self._findings, "I20", f"inventory.db inbox {ids.text(key)}", row, {
                "state": expected.ANSWERED,
                "reply": one_of(pack({"added": 0}), pack({"added": len(self._shelves)})),
                **({"digest": digest} if digest is not None else {})})
        is_kept = self._run.end - self._run.topology.inbox_kept("inventory") < self._run.begin
        if self._findings.final and self._run.delivery and is_kept and added != len(self._shelves):
            self._findings.add("I20", "inventory.db inbox", f"its loads say that they added {added} "
                                                            f"products, should be {len(self._shelves)}")
        return set(loads)

    # What the inventory told.

    def lows(self) -> dict[bytes, list[tuple[str, Meets]]]:
        """By id of an event that may be: the products, and what its body must be like for each."""
        ever = shelves_held(self._orders, self._shelves, ever=True)
        low_at = self._run.low_at
        found: dict[bytes, list[tuple[str, Meets]]] = {}
        scarce = {sku for sku, shelf in self._shelves.items()
                  if self._run.delivery is None
                  or shelf.initial >= low_at > shelf.initial - ever.get(sku, 0)}
        for order in self._orders.values():
            if order.goods not in ("held", "released"):
                continue
            for sku, quantity in order.wish.items:
                if sku in scarce:
                    body = self._low_body(sku, quantity)
                    for each in order.path.steps[RESERVE].rounds or [0]:
                        turn = ids.command(order.id, RESERVE, False, each)
                        for number in range(1, len(order.wish.items) + 1):
                            found.setdefault(ids.event(turn, "stock.low", number), []).append(
                                (sku, body))
        return found

    def _low_body(self, sku: str, quantity: int) -> Meets:
        low_at = self._run.low_at

        def fits(body: object) -> bool:
            said = read_map(body) if isinstance(body, bytes) else None
            return said is not None and list(said) == ["sku", "available", "low_at"] \
                and said["sku"] == sku and said["low_at"] == low_at \
                and isinstance(said["available"], int) \
                and max(0, low_at - quantity) <= said["available"] < low_at
        return Meets(fits, f"sku {sku}, available below {low_at} for the first time, low_at {low_at}")

    def must_be_low(self) -> set[str]:
        """Products of which so few are left that it must have been told."""
        if self._run.delivery is None:
            return set()
        held = shelves_held(self._orders, self._shelves, ever=False)
        return {sku for sku, shelf in self._shelves.items()
                if shelf.initial >= self._run.low_at > shelf.initial - held.get(sku, 0)}

