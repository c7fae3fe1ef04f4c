"""A small run of the shop in which everything went well, made by hand: what the checker's negative
controls damage. The tables are those of the sources; only the rows are invented here."""

import dataclasses
import json
import pathlib
import re
import sqlite3
import uuid

import good_events

# Where each database's tables are declared.
SCHEMAS = {
    "inventory": ("runtime/store/turn/inbox.cpp", "actors/inventory/schema.hpp"),
    "orders": ("runtime/store/turn/inbox.cpp", "runtime/store/event_store.cpp", "actors/orders/schema.hpp"),
    "payments": ("runtime/store/turn/inbox.cpp", "actors/payments/schema.hpp"),
    "order_saga": ("runtime/store/turn/inbox.cpp", "runtime/saga/journal.cpp"),
    "notifications": ("runtime/store/turn/inbox.cpp", "actors/notifications/schema.hpp"),
    "journal": ("runtime/broker/journal/tables.cpp",),
}
PRICES = {"tea": 500, "mug": 1100, "lamp": 60_000}
SHELF = 1_000
STARTED, INTENT, DONE, FAILED, UNDO_INTENT, UNDONE, COMPLETED, COMPENSATED = range(1, 9)


def create_statements(source: pathlib.Path, files: tuple[str, ...]) -> str:
    raw = "".join((source / name).read_text() for name in files)
    return "".join(found[1] for found in re.findall(r'R"(\w*)\((.*?)\)\1"', raw, re.DOTALL))


def error_map(code: str, effect: str, message: str) -> bytes:
    """A small MessagePack map of short texts."""
    def text(value: str) -> bytes:
        return bytes([0xa0 | len(value)]) + value.encode()
    entries = {"code": code, "message": message, "effect": effect}
    return bytes([0x80 | len(entries)]) + b"".join(text(k) + text(v) for k, v in entries.items())


@dataclasses.dataclass
class Order:
    number: int
    items: dict[str, int]
    # "confirmed", or the reason of the refusal.
    ends: str = "confirmed"
    # The rejection came with the charge's outcome unknown, so it is paid back.
    charge_unknown: bool = False
    epochs: int = 1
    # The client's view: what its calls came to.
    calls: tuple[str, ...] = ("answer",)

    @property
    def id(self) -> uuid.UUID:
        return uuid.UUID(int=0x0190_0000_0000_7000_8000_0000_0000_0000 + self.number)

    @property
    def cents(self) -> int:
        return sum(PRICES.get(sku, 0) * count for sku, count in self.items.items())


ORDERS = [
    Order(1, {"tea": 2, "mug": 1}),
    Order(2, {"mug": 3}),
    Order(3, {"tea": 1, "nothing": 1}, ends="unknown_sku"),
    Order(4, {"tea": 4}, epochs=2),
    Order(5, {"lamp": 2}, ends="payment_declined"),
    Order(6, {"mug": 2}, ends="deadline_exceeded", charge_unknown=True, epochs=2),
    Order(7, {"tea": 1}, calls=("overloaded", "answer")),
    Order(8, {"tea": 3}, calls=("timeout", "answer")),
    Order(9, {"mug": 1}, calls=("timeout",)),
    Order(10, {"lamp": 1, "tea": 1}),
]


class GoodRun:
    """The folder of a run: `data/` with the databases and the provider's log, `client.log`,
    `publish.log` and `orders.jsonl`."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.folder = folder
        self.data = folder / "data"

    @classmethod
    def write(cls, folder: pathlib.Path, source: pathlib.Path) -> None:
        run = cls(folder)
        run.data.mkdir(parents=True)
        for name, files in SCHEMAS.items():
            with run.database(name) as database:
                database.executescript(create_statements(source, files))
        with run.database("inventory") as inventory:
            inventory.executemany("INSERT INTO stock VALUES (?, ?, 'EUR', ?, ?)",
                                  ((sku, price, SHELF, SHELF) for sku, price in PRICES.items()))
        for order in ORDERS:
            run._write(order)
        run._write_events(source)
        run.client_log.write_text("".join(
            json.dumps(record) + "\n" for order in ORDERS for record in cls._log_of(order)))
        (folder / "orders.jsonl").write_text("".join(
            json.dumps({"items": [{"sku": sku, "quantity": count}
                                  for sku, count in order.items.items()]}) + "\n"
            for order in ORDERS))

    @property
    def client_log(self) -> pathlib.Path:
        return self.folder / "client.log"

    @property
    def publish_log(self) -> pathlib.Path:
        return self.folder / "publish.log"

    @property
    def provider_log(self) -> pathlib.Path:
        return self.data / "provider.log"

    def database(self, name: str) -> "Database":
        return Database(self.data / f"{name}.db")

    def execute(self, name: str, statement: str, *values: object) -> int:
        """How many rows it changed: a damage that does nothing would prove nothing."""
        with self.database(name) as database:
            return database.execute(statement, values).rowcount

    def _write(self, order: Order) -> None:
        confirmed = order.ends == "confirmed"
        reserved = order.ends != "unknown_sku"
        self._write_order(order, confirmed)
        if reserved:
            self._reserve(order, held=confirmed)
        if reserved and order.ends != "payment_declined":
            self._pay(order, refunded=not confirmed)
        elif reserved:
            self.execute("payments", "INSERT INTO payments VALUES (?, ?, ?, 'EUR', 'tok',"
                                     " 'declined', NULL)", order.id.bytes, order.id.bytes, order.cents)
        self._write_saga(order, confirmed)

    def _write_events(self, source: pathlib.Path) -> None:
        (self.data / "mail").mkdir()
        with self.database("orders") as orders, self.database("journal") as journal, \
                self.database("notifications") as notifications:
            good_events.begin(orders, journal, source)
            for order in ORDERS:
                confirmed = order.ends == "confirmed"
                good_events.tell(orders, journal, order.id, "confirmed" if confirmed else "cancelled")
                if confirmed:
                    good_events.mail(notifications, self.data, order.id)
            good_events.settle(orders, journal)
        self.publish_log.write_text(good_events.acknowledgement(good_events.CLIENTS, 1))

    def forget_events(self, order: Order) -> None:
        with self.database("orders") as orders, self.database("journal") as journal, \
                self.database("notifications") as notifications:
            good_events.forget(orders, journal, notifications, self.data, order.id)

    def _write_order(self, order: Order, confirmed: bool) -> None:
        with self.database("orders") as orders:
            orders.execute(
                "INSERT INTO orders VALUES (?, 'ann', 'EUR', ?, ?, ?, 0)",
                (order.id.bytes, "confirmed" if confirmed else "cancelled",
                 order.cents if confirmed else None, order.id.bytes if confirmed else None))
            orders.executemany("INSERT INTO order_lines VALUES (?, ?, ?)",
                               ((order.id.bytes, sku, n) for sku, n in order.items.items()))

    def _reserve(self, order: Order, held: bool) -> None:
        with self.database("inventory") as inventory:
            inventory.execute("INSERT INTO claims VALUES (?)", (order.id.bytes,))
            for sku, count in order.items.items():
                inventory.execute(
                    "INSERT INTO reservations VALUES (?, ?, ?, ?, ?)",
                    (order.id.bytes, sku, count, PRICES[sku], "held" if held else "released"))
                if held:
                    inventory.execute("UPDATE stock SET available = available - ? WHERE sku = ?",
                                      (count, sku))

    def _pay(self, order: Order, refunded: bool) -> None:
        kinds = ("capture", "refund") if refunded else ("capture",)
        with self.database("payments") as payments:
            payments.execute(
                "INSERT INTO payments VALUES (?, ?, ?, 'EUR', 'tok', ?, 'sim')",
                (order.id.bytes, order.id.bytes, order.cents, "refunded" if refunded else "charged"))
            for kind in kinds:
                payments.execute("INSERT INTO ledger VALUES (?, ?, ?)",
                                 (order.id.bytes, kind, order.cents))
        with self.provider_log.open("a") as log:
            for kind in kinds:
                log.write(self.transfer(order, kind))
            if order.epochs > 1:
                log.write(self.transfer(order, "capture"))  # Repeated under its key: harmless.

    @staticmethod
    def transfer(order: Order, kind: str, key: str = "") -> str:
        key = key or str(uuid.uuid5(order.id, kind))
        return f"{key} {kind} {order.id} {order.cents}\n"

    @staticmethod
    def _records(order: Order) -> list[tuple[int, int, bytes | None]]:
        done = [(kind, step, None) for step in range(4) for kind in (INTENT, DONE)]
        if order.ends == "confirmed":
            return [(STARTED, 0, b"x"), *done, (COMPLETED, 3, None)]
        fails = 1 if order.ends == "unknown_sku" else 2
        why = error_map("rejected", "unknown" if order.charge_unknown else "none", "no")
        rows = [(STARTED, 0, b"x"), *done[:2 * fails], (INTENT, fails, None), (FAILED, fails, why)]
        for step in reversed(range(fails + order.charge_unknown)):
            rows += [(UNDO_INTENT, step, None), (UNDONE, step, None)]
        return [*rows, (COMPENSATED, 0, None)]

    def _write_saga(self, order: Order, confirmed: bool) -> None:
        rows = self._records(order)
        with self.database("order_saga") as saga:
            saga.execute("INSERT INTO sagas VALUES (?, 'place', ?, ?, 1)",
                         (order.id.bytes, 2 if confirmed else 3, order.epochs))
            saga.execute("INSERT INTO inbox VALUES (?, 'place', 0, ?, x'80', 'n1', 0, 1)",
                         (order.id.bytes, 2 if confirmed else 3))
            for seq, (kind, step, data) in enumerate(rows, 1):
                epoch = order.epochs if seq > len(rows) // 2 else 1
                saga.execute("INSERT INTO saga_journal VALUES (?, ?, ?, ?, 0, 1, ?, 0, ?)",
                             (order.id.bytes, seq, kind, step, epoch, data))

    @staticmethod
    def _log_of(order: Order) -> list[dict]:
        found = []
        common = {"call_id": str(order.id), "op": "order_saga.place"}
        for call in order.calls:
            found.append({**common, "phase": "invoke", "line": order.number})
            back: dict = {**common, "phase": "return"}
            if call == "timeout":
                back |= {"outcome": "unknown", "code": "deadline_exceeded"}
            elif call == "overloaded":
                back |= {"outcome": "fail", "code": "overloaded"}
            elif order.ends == "confirmed":
                back |= {"outcome": "ok", "order_id": str(order.id), "total_cents": order.cents}
            else:
                back |= {"outcome": "fail", "code": "rejected", "reason": order.ends}
            found.append(back)
        return found


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
