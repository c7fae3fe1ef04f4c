"""Orders of a good run, made by hand: one for each way in which an order can end."""

import dataclasses
import time

import expected
import ids
from expected import CHARGE, CONFIRM, CREATE, RESERVE, Order
from packed import pack
from saga_path import (
    COMPENSATED, COMPLETED, DONE, FAILED, INTENT, PARKED, STARTED, UNDO_INTENT, UNDONE, Row, replay)
from sagas import fingerprint
from wishes import Shelf, sorted_keys, wish_of

STEP_MS = 3
SHELVES = {"tea": Shelf(500, "EUR", 1_000), "mug": Shelf(1_100, "EUR", 1_000),
           "lamp": Shelf(60_000, "EUR", 12), "vase": Shelf(700, "EUR", 3), "pot": Shelf(900, "EUR", 11)}
DECLINE_OVER = 100_000


@dataclasses.dataclass
class Sample:
    """An order, and how it goes. `ends`: confirmed, the reason of a refusal, or what was late."""

    number: int
    items: dict[str, int]
    ends: str = "confirmed"
    epochs: int = 1
    # The client's view: what its calls came to.
    calls: tuple[str, ...] = ("answer",)
    customer: str = ""

    @property
    def asked(self) -> dict:
        return {"customer": self.customer or f"ann-{self.number}", "currency": "EUR",
                "card": f"tok_{self.number}",
                "items": [{"sku": sku, "quantity": count} for sku, count in self.items.items()]}


SAMPLES = [
    Sample(1, {"tea": 2, "mug": 1}),
    Sample(2, {"mug": 3}),
    Sample(3, {"tea": 1, "nothing": 1}, ends="unknown_sku"),
    Sample(4, {"tea": 4}, epochs=2),
    Sample(5, {"lamp": 3}, ends="payment_declined"),
    Sample(6, {"mug": 2}, ends="late charge", epochs=2),
    Sample(7, {"tea": 1}, calls=("overloaded", "answer")),
    Sample(8, {"tea": 3}, calls=("timeout", "answer")),
    Sample(9, {"mug": 1}, calls=("timeout",)),
    Sample(10, {"pot": 2, "tea": 1}, customer="bob@mail.example"),
    Sample(11, {"vase": 5}, ends="out_of_stock"),
    Sample(12, {"mug": 4}, ends="charge never came", epochs=2),
    Sample(13, {"tea": 5}, ends="late create"),
    Sample(14, {"mug": 5}, ends="reserve never came"),
    Sample(15, {"tea": 6}, ends="never begun", calls=("overloaded",)),
    Sample(16, {"tea": 1, "mug": 1}, customer="no address"),
]


def _late(step: str) -> bytes:
    return pack({"code": "deadline_exceeded", "number": 11, "message": f"The saga's time was up in step "
                 f"`{step}`; what it had done was undone.", "effect": "unknown",
                 "details": {"step": step}})


# For each end: the step that fails, whether it may have happened, and what is left with the three.
_ENDS = {
    "confirmed": (-1, False, "confirmed", "held", "charged"),
    "unknown_sku": (RESERVE, False, "cancelled", "absent", "absent"),
    "out_of_stock": (RESERVE, False, "cancelled", "absent", "absent"),
    "payment_declined": (CHARGE, False, "cancelled", "released", "declined"),
    "late charge": (CHARGE, True, "cancelled", "released", "refunded"),
    "charge never came": (CHARGE, True, "cancelled", "released", "tombstone"),
    "late create": (CREATE, True, "tombstone", "absent", "absent"),
    "reserve never came": (RESERVE, True, "cancelled", "tombstone", "absent"),
}


def identity(born: int, number: int) -> bytes:
    """A UUID of version 7 that was born at that moment."""
    return born.to_bytes(6, "big") + (0x7000 | number).to_bytes(2, "big") + bytes(
        [0x80, 0, 0, 0, 0, 0, number >> 8, number & 0xFF])


def now_ms() -> int:
    return int(time.time() * 1000)


def order_of(sample: Sample, born: int) -> tuple[Order, list[Row]] | None:
    """The order with its saga's journal; None if no saga was begun."""
    if sample.ends == "never begun":
        return None
    wish = wish_of(sample.asked, pack(sorted_keys(sample.asked)))
    fails, maybe, book, goods, money = _ENDS[sample.ends]
    path, _ = replay([])
    order = Order(identity(born, sample.number), wish, path, expected.total_of(wish, SHELVES),
                  book, goods, money)
    rows = _rows(order, sample, fails, maybe, born)
    order.path, faults = replay(rows)
    assert not faults, (sample, faults)
    return order, rows


def _why(order: Order, sample: Sample, step: int) -> bytes:
    if sample.ends in ("unknown_sku", "out_of_stock"):
        return expected.reserve_refusal(order.wish, SHELVES, "vase", 3) or b""
    return expected.charge_refusal(order) if sample.ends == "payment_declined" else \
        _late(ids.STEPS[step])


def _rows(order: Order, sample: Sample, fails: int, maybe: bool, born: int) -> list[Row]:
    deadline = (born + 5_000).to_bytes(8, "big")
    found: list[tuple[int, int, bytes]] = [
        (STARTED, 0, deadline + fingerprint() + order.wish.body)]
    for step in range(4 if fails < 0 else fails):
        found += [(INTENT, step, expected.request_kept(order, step, False)), (DONE, step, expected.reply(order, step))]
    if fails < 0:
        found.append((COMPLETED, CONFIRM, b""))
    else:
        found += [(INTENT, fails, expected.request_kept(order, fails, False)), (FAILED, fails, _why(order, sample, fails))]
        undone = list(reversed(range(fails + maybe)))
        for step in undone:
            found += [(UNDO_INTENT, step, expected.request_kept(order, step, True)), (UNDONE, step, b"")]
        found.append((COMPENSATED, undone[-1] if undone else fails, b""))
    taken_over = next((seq for seq, row in enumerate(found, 1)
                       if row[0] in (DONE, FAILED) and row[1] == max(fails, 1)), 1)
    return [Row(seq, kind, step, 0, int(kind in (DONE, FAILED, UNDONE, PARKED)),
                sample.epochs if seq >= taken_over else 1, born + STEP_MS * (seq - 1), data)
            for seq, (kind, step, data) in enumerate(found, 1)]


def log_of(sample: Sample, identifier: bytes, order: Order | None, at: int) -> list[dict]:
    """What the client noted."""
    found = []
    for number, call in enumerate(sample.calls):
        common = {"t_mono_us": at + 100 * number, "call_id": ids.text(identifier),
                  "op": "order_saga.place"}
        found.append({**common, "phase": "invoke", "line": sample.number})
        back: dict = {**common, "phase": "return"}
        if call == "timeout":
            back |= {"outcome": "unknown", "code": "deadline_exceeded"}
        elif call == "overloaded":
            back |= {"outcome": "fail", "code": "overloaded"}
        elif order is not None and order.path.phase == "completed":
            back |= {"outcome": "ok", "order_id": order.text, "total_cents": order.total}
        elif order is not None and order.path.why is not None:
            why = order.path.why
            back |= {"outcome": "fail", "code": expected.last_word_on(why)["code"],
                     "reason": expected.reason_of(why)}
        found.append(back)
    return found
