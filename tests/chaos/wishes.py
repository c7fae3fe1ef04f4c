"""Wishes: what was asked of the shop, as the files of orders and of stock and the client's log say it."""

import collections
import dataclasses
import json
import pathlib
import uuid
from typing import Any

from packed import pack, read_map


class CannotCheck(Exception):
    """The books are not there, or not readable: neither good nor bad."""


@dataclasses.dataclass(frozen=True)
class Wish:
    """An order as it was asked for."""

    customer: str
    currency: str
    items: tuple[tuple[str, int], ...]
    card: str
    # The call's body, byte for byte.
    body: bytes

    @property
    def by_sku(self) -> list[tuple[str, int]]:
        """The lines in the order in which shelves are looked at."""
        return sorted(self.items)


@dataclasses.dataclass(frozen=True)
class Shelf:
    price: int
    currency: str
    initial: int


def sorted_keys(value: Any) -> Any:
    """As clients write JSON into a body: the keys of every map in their order."""
    if isinstance(value, dict):
        return {key: sorted_keys(value[key]) for key in sorted(value)}
    return [sorted_keys(each) for each in value] if isinstance(value, list) else value


def wish_of(asked: dict[str, Any], body: bytes) -> Wish:
    items = tuple((item["sku"], item["quantity"]) for item in asked["items"])
    return Wish(asked["customer"], asked["currency"], items, asked["card"], body)


def wish_of_body(body: bytes) -> Wish | None:
    """The wish that a saga wrote down, if it is one."""
    asked = read_map(body)
    try:
        return wish_of(asked, body) if asked is not None else None
    except (KeyError, TypeError):
        return None


def read_wishes(path: pathlib.Path) -> dict[int, Wish]:
    """By the number of the line."""
    found = {}
    for number, text in enumerate(path.read_text().splitlines(), 1):
        if text.strip():
            try:
                asked = json.loads(text)
                found[number] = wish_of(asked, pack(sorted_keys(asked)))
            except (ValueError, KeyError, TypeError) as fault:
                raise CannotCheck(f"{path}:{number}: no order: {fault!r}") from fault
    return found


@dataclasses.dataclass(frozen=True)
class Delivery:
    """The stock at the start, and the body of the call that brings it."""

    shelves: dict[str, Shelf]
    body: bytes


def read_stock(path: pathlib.Path) -> Delivery:
    try:
        asked = json.loads(path.read_text())
        return Delivery({item["sku"]: Shelf(item["price_cents"], item["currency"], item["quantity"])
                         for item in asked["items"]}, pack(sorted_keys(asked)))
    except (ValueError, KeyError, TypeError) as fault:
        raise CannotCheck(f"{path}: no stock: {fault!r}") from fault


@dataclasses.dataclass
class Asked:
    """What a client knows of one order it asked for."""

    calls: int = 0
    open_calls: int = 0
    lines: set[int | None] = dataclasses.field(default_factory=set)
    # Of the answers: whether one was good, one a refusal, one left it open, one said "not now".
    ok: int = 0
    refused: int = 0
    unknown: int = 0
    not_now: int = 0
    reasons: set[str] = dataclasses.field(default_factory=set)
    totals: set[int | None] = dataclasses.field(default_factory=set)
    order_ids: set[str] = dataclasses.field(default_factory=set)

    @property
    def line(self) -> int | None:
        return min((line for line in self.lines if line is not None), default=None)

    @property
    def outcome(self) -> str:
        """`ok`, `fail` or `unknown`. A refusal is the last word on an id, and so covers its earlier
        calls; "not now" speaks of its own call alone, and another may have had its effect."""
        if self.ok:
            return "ok"
        if self.refused:
            return "fail"
        return "unknown" if self.unknown or self.open_calls else "fail"


@dataclasses.dataclass
class ClientLog:
    orders: dict[bytes, Asked] = dataclasses.field(default_factory=dict)
    calls: int = 0
    failed_calls: collections.Counter[str] = dataclasses.field(default_factory=collections.Counter)
    # (line of the log, what is wrong with it).
    faults: list[tuple[str, str]] = dataclasses.field(default_factory=list)
    # Whether there is a log at all.
    known: bool = False


def _take_return(record: dict[str, Any], known: Asked, log: ClientLog) -> str:
    """@return what is wrong with it."""
    known.open_calls -= 1
    outcome, code = record["outcome"], record.get("code", "")
    if outcome == "ok":
        known.ok += 1
        known.totals.add(record.get("total_cents"))
        known.order_ids.add(record.get("order_id") or "")
    elif outcome == "fail" and record.get("reason"):
        # A reason says that this is the business's answer to the id, not one call's bad luck.
        known.refused += 1
        known.reasons.add(record["reason"])
    elif outcome in ("fail", "unknown"):
        known.not_now += outcome == "fail"
        known.unknown += outcome == "unknown"
        log.failed_calls[code] += 1
    else:
        raise ValueError(f"outcome {outcome!r}")
    return "an answer to a call that was not made" if known.open_calls < 0 else ""


def read_client_log(path: pathlib.Path) -> ClientLog:
    log = ClientLog(known=True)
    lines = path.read_text().split("\n")
    lines.pop()  # Behind the last newline: nothing, or what a killed client was writing.
    now = 0
    for number, line in enumerate(lines, 1):
        try:
            record = json.loads(line)
            if record["op"] != "order_saga.place":
                continue
            known = log.orders.setdefault(uuid.UUID(record["call_id"]).bytes, Asked())
            fault = ""
            if record["phase"] == "invoke":
                log.calls += 1
                known.calls += 1
                known.open_calls += 1
                known.lines.add(record.get("line"))
                if len(known.lines) > 1:
                    fault = f"line {record.get('line')} is asked for under an id of another line"
            else:
                fault = _take_return(record, known, log)
            at = record.get("t_mono_us", now)
            if at < now:
                fault = f"t_mono_us is {at}, after {now} in the line before"
            now = at
            if fault:
                log.faults.append((f"{path.name}:{number} {record['call_id']}", fault))
        except (ValueError, KeyError, TypeError, AttributeError) as fault:
            raise CannotCheck(f"{path}:{number}: no log record: {fault!r}") from fault
    return log
