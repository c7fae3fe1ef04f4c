"""Mails: notifications.db and the spool against the orders that are confirmed."""

import datetime
import pathlib
import re
from typing import Any

import expected
import ids
from event_journal import EventJournal
from expected import Order
from findings import Wanted, between, compare_table
from run import CLOCK_MS, Run

_ATEXT = r"[A-Za-z0-9!#$%&'*+\-/=?^_`{|}~]+"
_ADDRESS = re.compile(rf"{_ATEXT}(\.{_ATEXT})*@{_ATEXT}(\.{_ATEXT})*")
_NO_ADDRESS = "the customer's name makes no mail address"
_DATE = re.compile(rb"\r\nDate: ([^\r]*)\r\n")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_DRAFT = re.compile(r"\.([0-9a-f-]{36})\.\d+\.\d+")
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def date_text(millis: int) -> str:
    at = datetime.datetime.fromtimestamp(millis // 1000, datetime.timezone.utc)
    return f"{_DAYS[at.weekday()]}, {at.day:02} {_MONTHS[at.month - 1]} {at.year} {at:%H:%M:%S} +0000"


def letter(order: Order, sender: str, recipient: str, message_id: str, date: str) -> bytes:
    """The file in the spool, byte for byte."""
    lines = [f"From: <{sender}>", f"To: <{recipient}>", f"Subject: Your order {order.text} is confirmed",
             f"Date: {date}", f"Message-ID: {message_id}", "MIME-Version: 1.0",
             "Content-Type: text/plain; charset=utf-8", "Content-Transfer-Encoding: 8bit", "",
             "Thank you. This is what you will get:", ""]
    lines += [f"  {quantity:>7} x {_CONTROL.sub('?', sku)}" for sku, quantity in order.wish.items]
    total = order.total or 0
    lines += ["", f"We have charged {total // 100}.{total % 100:02} {order.wish.currency}.", "",
              f"Your order: {order.text}", ""]
    return "\r\n".join(lines).encode()


class Mails:
    def __init__(self, run: Run, orders: dict[bytes, Order], journal: EventJournal,
                 buried: set[bytes]) -> None:
        self._run = run
        self._findings = run.findings
        self._confirmed = {key: order for key, order in orders.items() if order.book == "confirmed"}
        self._buried = buried
        self._events = {event["id"]: event for event in journal.events.values()
                        if event["only_for"] is None}
        self._sender = run.topology.word("notifications", "from", "shop@shop.example")
        self._domain = run.topology.word("notifications", "domain", "customers.example")

    def check(self) -> None:
        if not self._findings.final:
            return
        found = self._run.books["notifications"].by_key("mails", "order_id")
        compare_table(self._findings, "I9", "notifications.db mails", found,
                      {key: self._row(order, found.get(key))
                       for key, order in self._confirmed.items()}, extra="I11")
        if self._run.spool is None:
            self._findings.without("I9", "no spool")
            self._findings.without("I10", "no spool")
        else:
            self._check_spool(self._run.spool, found)

    def _event_id(self, order: Order) -> bytes:
        return expected.told(order)["confirmed"][1]

    def _address(self, order: Order) -> str | None:
        customer = order.wish.customer
        address = customer if "@" in customer else f"{customer}@{self._domain}"
        return address if len(address) <= 254 and _ADDRESS.fullmatch(address) else None

    def _message_id(self, order: Order) -> str:
        key = ids.text(ids.mail_key(self._event_id(order)))
        return f"<{key}@{self._sender.partition('@')[2]}>"

    def _row(self, order: Order, found: dict[str, Any] | None) -> Wanted:
        event = self._event_id(order)
        address = self._address(order)
        told = self._events.get(event, {}).get("time", self._run.begin)
        asked = found["asked_at"] if found and isinstance(found["asked_at"], int) else told
        common = {"event_id": event, "asked_at": between(told - CLOCK_MS, self._run.end)}
        # A dead letter is the other way to be done with an event.
        required = event not in self._buried
        if address is None:
            return Wanted({**common, "recipient": order.wish.customer, "state": "failed",
                           "message_id": "", "attempts": 0, "reason": _NO_ADDRESS,
                           "ended_at": None}, required)
        return Wanted({**common, "recipient": address, "state": "sent",
                       "message_id": self._message_id(order), "attempts": between(1, 1_000),
                       "reason": "", "ended_at": between(asked - CLOCK_MS, self._run.end)}, required)

    def _check_spool(self, spool: pathlib.Path, mails: dict[bytes, dict[str, Any]]) -> None:
        wanted = {}
        for key, order in self._confirmed.items():
            if key in mails and self._address(order) is not None:
                wanted[f"{self._message_id(order)[1:37]}.eml"] = order
        seen = set()
        for path in sorted(spool.iterdir()) if spool.is_dir() else ():
            draft = _DRAFT.fullmatch(path.name)
            order = wanted.get(f"{draft[1]}.eml" if draft else path.name)
            if order is None:
                self._findings.add("I10", f"spool {path.name}", "is there, and should not be: it is no "
                                                                "order's mail")
            elif draft is None:
                seen.add(path.name)
                self._check_letter(path, order)
        for name, order in wanted.items():
            if name not in seen:
                self._findings.add("I9", f"spool {name}", f"is missing; it is the mail of {order.text}")

    def _check_letter(self, path: pathlib.Path, order: Order) -> None:
        data = path.read_bytes()
        event = self._events.get(self._event_id(order))
        date = _DATE.search(data)
        text = date_text(event["time"]) if event else date[1].decode() if date else ""
        wanted = letter(order, self._sender, self._address(order) or "", self._message_id(order), text)
        if data != wanted:
            found, should = data.split(b"\r\n"), wanted.split(b"\r\n")
            at = next((number for number, (a, b) in enumerate(zip(found, should)) if a != b),
                      min(len(found), len(should)))
            self._findings.add(
                "I9", f"spool {path.name}",
                f"line {at + 1} is {_line(found, at)}, should be {_line(should, at)} (the mail of "
                f"{order.text})")


def _line(lines: list[bytes], at: int) -> str:
    return repr(lines[at].decode(errors="replace")) if at < len(lines) else "missing"
