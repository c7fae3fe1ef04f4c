"""A small run of the shop in which everything went well, made by hand: what the checker's negative
controls damage. The tables are those of the sources; only the rows are invented here."""

import json
import pathlib
import re
import shutil
import sqlite3
from typing import Any

import expected
import ids
from databases import SUBSCRIBERS
from expected import Order
from good_orders import (
    DECLINE_OVER, SAMPLES, SHELVES, STEP_MS, identity, log_of, now_ms, order_of)
from mails import date_text, letter
from packed import pack
from saga_path import PHASES, Row
from wishes import sorted_keys
from event_journal import digest_of_outbox
from event_positions import CURSOR
from xxh3 import xxh64

_TURN = ("runtime/store/turn/tables.cpp",)
_PARTS = ("troupe.turn", "troupe.retention", "troupe.liveness", "troupe.lineage", "troupe.told",
          "troupe.unsettled", "troupe.trace", "troupe.trial", "troupe.tried", "troupe.handled")
# Where each database's tables are declared, and the components that have them.
SCHEMAS = {
    "inventory": ((*_TURN, "actors/inventory/schema.hpp"), (*_PARTS, "inventory")),
    "orders": ((*_TURN, "runtime/store/event_store.cpp", "actors/orders/schema.hpp"),
               (*_PARTS, "troupe.events", "orders")),
    "payments": ((*_TURN, "actors/payments/schema.hpp"), (*_PARTS, "payments")),
    "order_saga": ((*_TURN, "runtime/saga/journal.cpp"), (*_PARTS, "troupe.saga", "troupe.parked", "troupe.saga_tables", "troupe.saga_trace", "troupe.saga_waits")),
    "notifications": ((*_TURN, "actors/notifications/schema.hpp"), (*_PARTS, "notifications")),
    "users": ((*_TURN, "actors/users/schema.hpp"), (*_PARTS, "users")),
    "notes": ((*_TURN, "actors/notes/schema.hpp"), (*_PARTS, "notes")),
    "reconciliation": ((*_TURN, "runtime/reconciler/case_tables.hpp"), (*_PARTS, "reconciliation")),
    "journal": (("runtime/broker/journal/tables.cpp",), ("troupe.journal", "troupe.settled", "troupe.lives", "troupe.deleted",
                "troupe.cancelled", "troupe.letter_orders")),
}
_CREATE = re.compile(r'R"(\w*)\((.*?)\)\1"', re.DOTALL)
_ADD_COLUMN = re.compile(r'"(ALTER TABLE [^"]*)"')
_TOPICS = ("news.said", "order.created", "order.confirmed", "order.cancelled", "stock.low")
NEWS = b"\x01" * 6 + b"\x70\x00\x80" + b"\x07" * 7
GENERATION = 2
_EPOCH = (GENERATION << 32) + 5


def create_statements(source: pathlib.Path, files: tuple[str, ...]) -> str:
    text = "".join((source / name).read_text() for name in files)
    frame = (source / "runtime" / "store" / "FORMAT.md").read_text()
    tables = [re.search(rf"(CREATE TABLE {name} .*?)```", frame, re.DOTALL)
              for name in ("troupe_meta", "schema_versions")]
    return ";".join([*(found[1] for found in tables if found), *(found[2] for found in
                     _CREATE.finditer(text)), *_ADD_COLUMN.findall(text)])


class GoodRun:
    """The folder of a run: `data/` with the databases, the mails and the provider's log, and beside it
    `client.log`, `publish.log`, `orders.jsonl`, `stock.json` and `shop.yaml`."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.folder = folder
        self.data = folder / "data"

    def options(self) -> list[str]:
        """Of the checker."""
        return ["--data", str(self.data), "--client-log", str(self.folder / "client.log"),
                "--publish-log", str(self.folder / "publish.log"),
                "--orders", str(self.folder / "orders.jsonl")]

    def database(self, name: str) -> "Database":
        return Database(self.data / f"{name}.db")

    def execute(self, name: str, statement: str, *values: object) -> int:
        """How many rows it changed: a damage that does nothing would prove nothing."""
        with self.database(name) as database:
            return database.execute(statement, values).rowcount


class Database:
    """A connection for one `with`: committed and closed at its end."""

    def __init__(self, path: pathlib.Path) -> None:
        self._path = path

    def __enter__(self) -> sqlite3.Connection:
        self._connection = sqlite3.connect(self._path)
        self._connection.execute("PRAGMA synchronous = OFF")
        return self._connection

    def __exit__(self, *_: object) -> None:
        self._connection.commit()
        self._connection.close()


class Writer:
    """Writes a run whose first order was placed at a moment, by default a minute ago."""

    def __init__(self, folder: pathlib.Path, source: pathlib.Path, began: int = 0) -> None:
        self._run = GoodRun(folder)
        self._source = source
        self._began = began or now_ms() - 60_000
        self._orders: list[tuple[Order, list[Row]]] = []
        self._events: list[tuple] = []
        self._lows: list[tuple[bytes, str, bytes]] = []

    def write(self) -> None:
        data = self._run.data
        (data / "mail").mkdir(parents=True)
        shutil.copy(self._source / "examples" / "shop" / "shop.yaml", self._run.folder)
        for number, name in enumerate(SCHEMAS):
            self._frame(name, number)
        log = []
        for sample in SAMPLES:
            born = self._began + 1_000 * sample.number
            made = order_of(sample, born)
            order = made[0] if made else None
            log += log_of(sample, identity(born, sample.number), order, born)
            if made:
                self._orders.append(made)
                self._participants(*made, taken_over=sample.epochs > 1)
        self._stock()
        self._journal()
        self._mails()
        self._insert("reconciliation", "passes", [{
            "invariant": "payment_has_an_order", "behind": b"", "suspected": b"", "due_at": self._began + 300_000,
            "judged": 0, "in_flight": 0, "trouble": "", "compared_at": 0, "looking": 0}])
        for name in SCHEMAS:
            if name != "journal":
                self._run.execute(name, "UPDATE retention SET handled_from = (SELECT MIN(id) FROM inbox)")
        self._write_lines("client.log", log)
        self._write_lines("orders.jsonl", [sample.asked for sample in SAMPLES])

    def _write_lines(self, name: str, records: list[dict]) -> None:
        (self._run.folder / name).write_text("".join(json.dumps(each) + "\n" for each in records))

    def _insert(self, name: str, table: str, rows: list[dict[str, Any]]) -> None:
        with self._run.database(name) as database:
            for row in rows:
                database.execute(f"INSERT INTO {table} ({', '.join(row)}) VALUES "
                                 f"({', '.join('?' * len(row))})", list(row.values()))

    def _frame(self, name: str, number: int) -> None:
        files, components = SCHEMAS[name]
        at = self._began - 20_000 + 10 * number
        with self._run.database(name) as database:
            database.executescript(create_statements(self._source, files))
        self._insert(name, "troupe_meta", [{
            "one": 1, "capability": "troupe.journal" if name == "journal" else name,
            "instance": identity(at, 100 + number), "created_at": at}])
        self._insert(name, "schema_versions", [
            {"component": each, "version": 1, "name": f"tables of {each}",
             "digest": f"{xxh64(each.encode()):016x}", "at": at} for each in components])
        if name != "journal":
            begins = ((1, "n1", 1, 0), (2, "n2", 0, 1), (3, "n1", 0, 2))
            self._insert(name, "writers", [
                {"id": each, "node": node, "incarnation": identity(
                    self._began - 25_000 + 20_000 * turn, 200 + turn), "fenced": fenced,
                 "opened_at": at + 20_000 * turn} for each, node, fenced, turn in begins])
            if name in SUBSCRIBERS:
                self._insert(name, "handled_topics", [
                    {"incarnation": identity(self._began - 25_000 + 20_000 * turn, 200 + turn),
                     "pattern": "note.*"} for _, _, fenced, turn in begins if not fenced])
            self._insert(name, "retention", [
                {"one": 1, "time": at, "calls": bytes(16), "commands": bytes(16),
                 "trial": 7 * 86_400_000}])

    def _inbox(self, name: str, key: bytes, operation: str, digest: int, state: int,
               reply: bytes) -> None:
        self._insert(name, "inbox", [{
            "id": key, "operation": operation, "digest": digest, "state": state, "reply": reply,
            "node": "n1", "replica": 0, "attempt": 1}])

    def _participants(self, order: Order, rows: list[Row], taken_over: bool) -> None:
        writer = 2 if taken_over else 1
        self._insert("order_saga", "sagas", [{
            "id": order.id, "operation": "place", "phase": PHASES[order.path.phase],
            "epoch": order.path.epoch, "writer": writer}])
        self._insert("order_saga", "saga_journal", [{"saga": order.id, **vars(row)} for row in rows])
        state, answer = expected.place_answer(order)
        self._inbox("order_saga", order.id, "place", ids.call_digest("place", order.wish.body), state,
                    answer or b"")
        for key, call in expected.calls(order).items():
            if call.required:
                kept, reply = call.answers[0]
                self._inbox(call.capability, key, call.operation, call.digest, kept, reply or b"")
        self._book(order, rows)
        if order.goods != "absent":
            self._insert("inventory", "claims", [{"order_id": order.id}])
        self._insert("inventory", "reservations", [
            {"order_id": key, "sku": sku, **row}
            for (key, sku), row in expected.reservations(order, SHELVES).items()])
        self._pay(order)

    def _book(self, order: Order, rows: list[Row]) -> None:
        at = {"created": rows[1].at, "confirmed": rows[-2].at, "cancelled": rows[-2].at}
        tells = expected.told(order)
        for version, event in enumerate(expected.history(order), 1):
            kind = event["type"]
            place = self._run.execute("orders", "UPDATE events SET type = type") + 1
            self._insert("orders", "events", [{"stream": order.id, "version": version,
                                               "position": place, "at": at[kind], **event}])
            if kind in tells:
                self._events.append((*tells[kind], order.text, "orders", at[kind] + STEP_MS))
        row = expected.order_row(order)
        if row is not None:
            first = at["created" if order.book != "tombstone" else "cancelled"]
            self._insert("orders", "orders", [{"order_id": order.id, **row, "created_at": first}])
        self._insert("orders", "order_lines", [
            {"order_id": key, "sku": sku, **line}
            for (key, sku), line in expected.order_lines(order).items()])

    def _pay(self, order: Order) -> None:
        row = expected.payment_row(order, DECLINE_OVER)
        if row is not None:
            if order.money == "refunded":
                row["provider_ref"] = None
            self._insert("payments", "payments", [{"order_id": order.id, **row}])
        self._insert("payments", "ledger", [{"order_id": key, "kind": kind, **line}
                                            for (key, kind), line in expected.ledger(order).items()])
        with (self._run.data / "provider.log").open("a") as log:
            for key, kind in expected.transfers(order, DECLINE_OVER):
                line = f"{ids.text(key)} {kind} {order.text} {order.total}\n"
                log.write(line * (2 if order.path.epoch > 1 else 1))  # A repeat is harmless.

    def _stock(self) -> None:
        items = [{"sku": sku, "price_cents": shelf.price, "currency": shelf.currency,
                  "quantity": shelf.initial} for sku, shelf in SHELVES.items()]
        (self._run.folder / "stock.json").write_text(json.dumps({"items": items}))
        body = pack(sorted_keys({"items": items}))
        self._inbox("inventory", identity(self._began - 1_000, 90), "load",
                    ids.call_digest("load", body), expected.ANSWERED, pack({"added": len(items)}))
        for sku, shelf in SHELVES.items():
            left = shelf.initial
            for order, _ in self._orders:
                taken = dict(order.wish.items).get(sku, 0)
                if order.goods not in ("held", "released") or not taken:
                    continue
                if left - taken < 10 <= left:
                    event = ids.event(ids.command(order.id, expected.RESERVE), "stock.low")
                    low = pack({"sku": sku, "available": left - taken, "low_at": 10})
                    self._lows.append((event, sku, low))
                left -= taken if order.goods == "held" else 0
            self._insert("inventory", "stock", [{
                "sku": sku, "price_cents": shelf.price, "currency": "EUR", "initial": shelf.initial,
                "available": left}])

    def _journal(self) -> None:
        news = pack({"text": "open"})
        digest = ids.signed(xxh64(news) ^ xxh64(_TOPICS[0].encode() + b"\0"))
        end = self._events[-1][-1]
        events = [(_TOPICS[0], NEWS, news, None, None, self._began), *self._events,
                  *[("stock.low", key, body, sku, "inventory", end) for key, sku, body in self._lows]]
        self._insert("journal", "topics", [
            {"id": number, "name": name, **dict.fromkeys(
                ("events", "bytes", "total", "first", "first_time", "last", "last_time"), 0)}
            for number, name in enumerate(_TOPICS, 1)])
        self._insert("journal", "events", [
            {"position": position, "topic": _TOPICS.index(topic) + 1, "id": key, "time": at,
             "digest": None if source else digest, "key": name, "source": source, "body": body}
            for position, (topic, key, body, name, source, at) in enumerate(events, 1)])
        self._insert("journal", "published", [{"upto": 1, "entries": (1).to_bytes(8, "big") + NEWS
                                               + (digest % (1 << 64)).to_bytes(8, "big")}])
        self._run.execute("journal", "UPDATE journal SET generation = ?", GENERATION)
        self._write_lines("publish.log", [{"id": ids.text(NEWS), "position": 1}])
        for name in ("orders", "inventory"):
            own = [event for event in events if event[4] == name]
            topic, key, body, text, _, _ = own[-1]
            with self._run.database(name) as database:
                instance = database.execute("SELECT instance FROM troupe_meta").fetchone()[0]
            digest = digest_of_outbox(event[1] for event in own)
            self._insert("journal", "sources", [{
                "capability": name, "instance": instance, "taken": len(own), "taken_id": key,
                "digest": digest, "digest_from": 0, "digest_to": len(own)}])
            self._insert(name, "outbox", [{"seq": len(own), "id": key, "topic": topic, "key": text,
                                           "body": body}])
            self._insert(name, "outbox_mark", [{"one": 1, "confirmed": len(own), "id": key,
                                                "position": events.index(own[-1]) + 1,
                                                "digest": digest}])
        self._positions(events)

    def _positions(self, events: list[tuple]) -> None:
        with self._run.database("journal") as database:
            instance = database.execute("SELECT instance FROM troupe_meta").fetchone()[0]
        life = {"first": 1, "id": identity(self._began - 20_000, 300)}
        self._insert("journal", "lives", [life])
        for name, topic in (("notifications", "order.confirmed"), ("notes", "")):
            newest = [0] * ids.PARTITIONS
            for position, event in enumerate(events, 1):
                if event[0] == topic:
                    newest[ids.partition(event[3], event[1])] = position
            self._insert(name, "subscription", [{"one": 1, "journal": instance}])
            self._insert(name, "journal_lives", [life])
            self._insert(name, "lives_told", [{"one": 1, "epoch": _EPOCH, "handled": 0}])
            self._insert(name, "partitions", [{"partition": number, "epoch": _EPOCH, "handled": each}
                                              for number, each in enumerate(newest)])
            self._insert("journal", "cursors", [{
                "capability": name, "handled": CURSOR.pack(*[len(events)] * ids.PARTITIONS),
                "reached": CURSOR.pack(*newest)}])

    def _mails(self) -> None:
        times = {event[1]: event[-1] for event in self._events}
        for order, _ in self._orders:
            if order.book != "confirmed":
                continue
            event = expected.told(order)["confirmed"][1]
            at = times[event]
            customer = order.wish.customer
            key = ids.text(ids.mail_key(event))
            row = {"order_id": order.id, "event_id": event, "asked_at": at + 2}
            if " " in customer:
                self._insert("notifications", "mails", [{
                    **row, "recipient": customer, "state": "failed",
                    "reason": "the customer's name makes no mail address"}])
                continue
            address = customer if "@" in customer else f"{customer}@customers.example"
            self._insert("notifications", "mails", [{
                **row, "recipient": address, "state": "sent", "message_id": f"<{key}@shop.example>",
                "attempts": 1, "reason": "", "ended_at": at + 4}])
            (self._run.data / "mail" / f"{key}.eml").write_bytes(letter(
                order, "shop@shop.example", address, f"<{key}@shop.example>", date_text(at)))
