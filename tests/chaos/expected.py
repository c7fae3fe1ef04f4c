"""The books as they must be: a pure function from an order as it was asked for, and from how its steps
ended, to every row, event, answer, transfer and mail that it leaves behind."""

import dataclasses
import functools
from typing import Any

import ids
from findings import one_of
from packed import Packed, pack
from saga_path import Path
from wishes import Shelf, Wish

CREATE, RESERVE, CHARGE, CONFIRM = range(4)
CAPABILITY = ("orders", "inventory", "payments", "orders")
UNDO = ("cancel", "release", "refund", "")

# Codes of failures that had their moment.
TECHNICAL = ("unauthenticated", "overloaded", "circuit_open", "unavailable", "deadline_exceeded", "crashed",
             "internal")

# States of an inbox row.
PENDING, ANSWERED, REFUSED = 1, 2, 3


@dataclasses.dataclass
class Order:
    """An order, and what became of it with each participant.

    `book`: absent, created, confirmed, cancelled, tombstone (a cancel that came first).
    `goods`: absent, held, released, tombstone.
    `money`: absent, charging, charged, declined, refunding, refunded, cancelled, tombstone.
    """

    id: bytes
    wish: Wish
    path: Path
    total: int | None
    book: str = "absent"
    goods: str = "absent"
    money: str = "absent"

    @functools.cached_property
    def text(self) -> str:
        return ids.text(self.id)

    @property
    def payment_id(self) -> bytes:
        """The id of the call that charged: of the first round that may have."""
        return ids.command(self.id, CHARGE, False, self.path.steps[CHARGE].round_of(False))


def total_of(wish: Wish, shelves: dict[str, Shelf]) -> int | None:
    """What the lines cost; None if one is of a product that there is not."""
    if any(sku not in shelves for sku, _ in wish.items):
        return None
    return sum(shelves[sku].price * quantity for sku, quantity in wish.items)


def items_of(wish: Wish) -> Packed:
    return _packed_items(wish.items)


@functools.lru_cache(maxsize=1 << 14)
def _packed_items(items: tuple[tuple[str, int], ...]) -> Packed:
    return Packed(pack([{"sku": sku, "quantity": quantity} for sku, quantity in items]))


def error(reason: str, message: str, **details: str) -> bytes:
    """A refusal by the business, as it is kept and as it travels."""
    return pack({"code": "rejected", "number": 1, "message": message, "effect": "none",
                 "details": {"reason": reason, **details}})


def reserve_refusal(wish: Wish, shelves: dict[str, Shelf], short: str = "",
                    left: int = 0) -> bytes | None:
    """What the inventory answers that cannot serve; None if it can. The first line decides that is
    wanting, by SKU. @param short a product of which only `left` were there."""
    for sku, quantity in wish.by_sku:
        shelf = shelves.get(sku)
        if shelf is None:
            return error("unknown_sku", f"There is no product {sku}.", sku=sku)
        if shelf.currency != wish.currency:
            return error("other_currency",
                         f"{sku} is sold in {shelf.currency}, not in {wish.currency}.", sku=sku)
        if sku == short:
            return error("out_of_stock",
                         f"{quantity} of {sku} were asked for and {left} are left.", sku=sku)
    return None


def charge_refusal(order: Order) -> bytes:
    return error("payment_declined",
                 f"The card was not charged {order.total} cents ({order.wish.currency}) for order "
                 f"{order.text}: the provider declined.")


# What the participants' tables hold.

def order_row(order: Order) -> dict[str, Any] | None:
    if order.book == "absent":
        return None
    is_known, confirmed = order.book != "tombstone", order.book == "confirmed"
    return {"customer": order.wish.customer if is_known else "",
            "currency": order.wish.currency if is_known else "",
            "state": order.book if is_known else "cancelled",
            "amount_cents": order.total if confirmed else None,
            "payment_id": order.payment_id if confirmed else None}


def order_lines(order: Order) -> dict[tuple[bytes, str], dict[str, Any]]:
    if order.book in ("absent", "tombstone"):
        return {}
    return {(order.id, sku): {"quantity": quantity} for sku, quantity in order.wish.items}


def history(order: Order) -> list[dict[str, Any]]:
    """The order's stream of events, from version 1 on."""
    wish, found = order.wish, []
    if order.book not in ("absent", "tombstone"):
        found.append({"type": "created", "cause": _cause(order, CREATE, False),
                      "body": pack({"customer": wish.customer, "currency": wish.currency,
                                    "items": items_of(wish)})})
    if order.book == "confirmed":
        found.append({"type": "confirmed", "cause": _cause(order, CONFIRM, False),
                      "body": pack({"amount_cents": order.total, "payment_id": order.payment_id})})
    if order.book in ("cancelled", "tombstone"):
        found.append({"type": "cancelled", "cause": _cause(order, CREATE, True), "body": pack({})})
    return found


def _cause(order: Order, step: int, undo: bool) -> bytes:
    return ids.command(order.id, step, undo, order.path.steps[step].round_of(undo))


def told(order: Order) -> dict[str, tuple[str, bytes, bytes]]:
    """By type of the order book's event: the topic, id and body of what is published with it."""
    if order.book in ("absent", "tombstone"):
        return {}
    wish = order.wish
    common = {"order_id": order.id, "customer": wish.customer, "currency": wish.currency,
              "items": items_of(wish)}
    bodies = {"created": common}
    if order.book == "confirmed":
        bodies["confirmed"] = {**common, "amount_cents": order.total, "payment_id": order.payment_id}
    elif order.book == "cancelled":
        bodies["cancelled"] = {"order_id": order.id, "customer": wish.customer}
    causes = {"created": (CREATE, False), "confirmed": (CONFIRM, False), "cancelled": (CREATE, True)}
    return {kind: (f"order.{kind}", ids.event(_cause(order, *causes[kind]), f"order.{kind}"),
                   pack(body)) for kind, body in bodies.items()}


def reservations(order: Order, shelves: dict[str, Shelf]) -> dict[tuple[bytes, str], dict[str, Any]]:
    if order.goods not in ("held", "released"):
        return {}
    return {(order.id, sku): {"quantity": quantity, "price_cents": shelves[sku].price,
                              "state": order.goods}
            for sku, quantity in order.wish.items if sku in shelves}


def payment_row(order: Order, decline_over: int) -> dict[str, Any] | None:
    if order.money == "absent":
        return None
    if order.money == "tombstone":
        return {"payment_id": _cause(order, CHARGE, True), "amount_cents": 0, "currency": "",
                "card": "", "state": "cancelled", "provider_ref": None}
    is_declined = is_over(order.total, decline_over)
    answer = f"more than {decline_over} cents at once" if is_declined else \
        f"sim-{ids.text(order.payment_id)}"
    reference = {"charged": answer, "declined": answer, "charging": None}.get(
        order.money, one_of(answer, None))
    return {"payment_id": order.payment_id, "amount_cents": order.total,
            "currency": order.wish.currency, "card": order.wish.card, "state": order.money,
            "provider_ref": reference}


def is_over(total: int | None, decline_over: int) -> bool:
    """Whether the card company declines."""
    return total is not None and 0 < decline_over < total


def ledger(order: Order) -> dict[tuple[bytes, str], dict[str, Any]]:
    kinds = {"charged": ("capture",), "refunded": ("capture", "refund")}.get(order.money, ())
    return {(order.id, kind): {"amount_cents": order.total} for kind in kinds}


def transfers(order: Order, decline_over: int) -> dict[tuple[bytes, str], bool]:
    """(key, kind) of what the provider carried out, and whether it must have."""
    if order.money in ("absent", "tombstone", "declined", "cancelled") \
            or is_over(order.total, decline_over):
        return {}
    found = {(order.payment_id, "capture"): order.money in ("charged", "refunded")}
    if order.money in ("refunding", "refunded"):
        found[ids.refund_key(order.payment_id), "refund"] = order.money == "refunded"
    return found


# What the participants' inboxes hold.

@dataclasses.dataclass(frozen=True)
class Call:
    """A command of a saga, and the answers that may be kept for it. An answer None is any refusal."""

    capability: str
    operation: str
    body: bytes
    answers: tuple[tuple[int, bytes | None], ...]
    required: bool

    @property
    def digest(self) -> int:
        return ids.call_digest(self.operation, self.body)


def _do_body(order: Order, step: int) -> dict[str, Any]:
    wish = order.wish
    if step == CREATE:
        return {"order_id": order.id, "customer": wish.customer, "currency": wish.currency,
                "items": items_of(wish)}
    if step == RESERVE:
        return {"order_id": order.id, "currency": wish.currency, "items": items_of(wish)}
    if step == CHARGE:
        return {"order_id": order.id, "amount_cents": order.total, "currency": wish.currency,
                "card": wish.card}
    return {"order_id": order.id, "amount_cents": order.total, "payment_id": order.payment_id}


def _body(order: Order, step: int, undo: bool) -> bytes:
    return pack({"order_id": order.id} if undo else _do_body(order, step))


def request_kept(order: Order, step: int, undo: bool) -> bytes:
    """What the first intent of a command keeps of its request."""
    operation = UNDO[step] if undo else ids.STEPS[step]
    digest = ids.call_digest(operation, _body(order, step, undo))
    return b"\1" + (digest % (1 << 64)).to_bytes(8, "big")


def reply(order: Order, step: int) -> bytes:
    """The answer to a step that was done."""
    if step == RESERVE:
        return pack({"total_cents": order.total, "currency": order.wish.currency})
    if step == CHARGE:
        return pack({"order_id": order.id, "payment_id": order.payment_id,
                     "amount_cents": order.total, "currency": order.wish.currency})
    return pack({"order_id": order.id, "state": "created" if step == CREATE else "confirmed"})


def undo_reply(order: Order, step: int) -> bytes:
    if step == CREATE:
        return pack({"order_id": order.id, "state": "cancelled"})
    if step == RESERVE:
        return pack({"lines": len(order.wish.items) if order.goods == "released" else 0})
    return pack({"order_id": order.id, "amount_cents": order.total if order.money == "refunded" else 0})


def calls(order: Order) -> dict[bytes, Call]:
    """By id: the calls that its saga made of its participants."""
    found = {}
    for number, step in enumerate(order.path.steps):
        if order.total is None and number >= CHARGE:
            break
        body = _body(order, number, False) if step.rounds else b""
        for each in step.rounds:
            is_last = each == step.rounds[-1]
            good = (ANSWERED, reply(order, number))
            if step.do == "done" and is_last:
                answers: tuple[tuple[int, bytes | None], ...] = (good,)
            elif step.do == "refused" and is_last:
                answers = ((REFUSED, step.data or None),)
            else:
                answers = (good, (PENDING, b""), (REFUSED, None))
            found[ids.command(order.id, number, False, each)] = Call(
                CAPABILITY[number], ids.STEPS[number], body, answers,
                is_last and step.do in ("done", "refused"))
        for each in step.undo_rounds:
            is_sure = each == step.undo_rounds[-1] and step.undo == "done"
            good = (ANSWERED, undo_reply(order, number))
            found[ids.command(order.id, number, True, each)] = Call(
                CAPABILITY[number], UNDO[number], _body(order, number, True),
                (good,) if is_sure else (good, (PENDING, b""), (REFUSED, None)), is_sure)
    return found


def place_answer(order: Order) -> tuple[int, bytes | None]:
    """What the saga's own inbox keeps for the client."""
    path = order.path
    if path.phase == "completed":
        return ANSWERED, pack({"order_id": order.id, "total_cents": order.total,
                               "currency": order.wish.currency, "payment_id": order.payment_id})
    if path.phase == "compensated":
        return REFUSED, pack(last_word_on(path.why)) if path.why else None
    return PENDING, b""


def last_word_on(why: dict[str, Any]) -> dict[str, Any]:
    """The answer of a saga that was undone because of `why`: it is for good, so a failure of the moment
    is told as a refusal with its code as the reason."""
    if why.get("code") not in TECHNICAL:
        return {**why, "effect": "none"}
    details = dict(why.get("details") or {})
    if not details.get("reason"):
        details = {"reason": why["code"], **details}
    return {"code": "rejected", "number": 1, "message": why["message"], "effect": "none", "details": details}


def reason_of(why: dict[str, Any]) -> str:
    """The word that a client notes for an answer by a saga that was undone because of `why`."""
    said = last_word_on(why)
    return str((said.get("details") or {}).get("reason") or said.get("code") or "")
