"""The events of a good run: what became of each order, told by `orders`, journaled, and mailed."""

import json
import pathlib
import re
import sqlite3
import struct
import uuid

GROUP = "notifications"
# Published by a client, before all others.
CLIENTS = uuid.UUID("01900000-0000-7000-8000-00000000c11e")
_INSTANCE = uuid.UUID("01900000-0000-7000-8000-0000000000db")
_TOPICS = ("news.said", "order.created", "order.confirmed", "order.cancelled")
_EVENT = "INSERT INTO events VALUES (?, ?, ?, 0, NULL, ?, ?, NULL, NULL, x'80')"


def event_id(order: uuid.UUID, topic: str) -> bytes:
    return uuid.uuid5(order, topic).bytes


def message_id(order: uuid.UUID) -> str:
    return f"<{uuid.uuid5(order, 'mail')}@shop.example>"


def write_mail(data: pathlib.Path, order: uuid.UUID, file: str = "", head: str = "") -> pathlib.Path:
    path = data / "mail" / f"{file or uuid.uuid5(order, 'mail')}.eml"
    path.write_text(f"Subject: Your order {order} is confirmed\n"
                    f"Message-ID: {head or message_id(order)}\n\nThank you.\n")
    return path


def meta_table(source: pathlib.Path) -> str:
    text = (source / "runtime" / "store" / "FORMAT.md").read_text()
    return re.search(r"(CREATE TABLE troupe_meta .*?)```", text, re.DOTALL)[1]


def begin(orders: sqlite3.Connection, journal: sqlite3.Connection, source: pathlib.Path) -> None:
    orders.execute(meta_table(source))
    orders.execute("INSERT INTO troupe_meta VALUES (1, 'orders', ?, 0)", (_INSTANCE.bytes,))
    journal.executemany("INSERT INTO topics VALUES (?, ?, 0, 0, 0, 0, 0, 0, 0)",
                        enumerate(_TOPICS, 1))
    journal.execute(_EVENT, (1, 1, CLIENTS.bytes, None, None))


def tell(orders: sqlite3.Connection, journal: sqlite3.Connection, order: uuid.UUID,
         ends: str) -> None:
    """What the order book remembers of an order, and what the journal has of it."""
    for version, kind in enumerate(("created", ends), 1):
        topic = f"order.{kind}"
        place = orders.execute("SELECT COUNT(*) + 1 FROM events").fetchone()[0]
        orders.execute("INSERT INTO events VALUES (?, ?, ?, ?, x'80', 0, ?)",
                       (order.bytes, version, place, kind, uuid.uuid5(order, kind).bytes))
        journal.execute(_EVENT, (place + 1, _TOPICS.index(topic) + 1, event_id(order, topic),
                                 str(order), "orders"))


def mail(notifications: sqlite3.Connection, data: pathlib.Path, order: uuid.UUID) -> None:
    notifications.execute(
        "INSERT INTO mails VALUES (?, ?, 'ann@shop.example', 'sent', ?, 1, '', 0, 0)",
        (order.bytes, event_id(order, "order.confirmed"), message_id(order)))
    write_mail(data, order)


def settle(orders: sqlite3.Connection, journal: sqlite3.Connection) -> None:
    """All has been taken and handled; the newest row of the outbox stays."""
    journal.execute("DELETE FROM sources")
    journal.execute("DELETE FROM cursors")
    orders.execute("DELETE FROM outbox")
    taken = journal.execute("SELECT COUNT(*) FROM events WHERE source = 'orders'").fetchone()[0]
    newest, key = journal.execute("SELECT id, key FROM events ORDER BY position DESC").fetchone()
    orders.execute("INSERT INTO outbox VALUES (?, ?, 'order.confirmed', ?, x'80')",
                   (taken, newest, key))
    journal.execute("INSERT INTO sources VALUES ('orders', ?, ?, ?)",
                    (_INSTANCE.bytes, taken, newest))
    move_cursor(journal, journal.execute("SELECT MAX(position) FROM events").fetchone()[0])


def move_cursor(journal: sqlite3.Connection, *positions: int) -> None:
    """Of all partitions, or of the first ones; the last position holds for the others too."""
    all_64 = [*positions, *[positions[-1]] * (64 - len(positions))]
    journal.execute("INSERT OR REPLACE INTO cursors VALUES (?, ?)",
                    (GROUP, struct.pack(">64q", *all_64)))


def forget(orders: sqlite3.Connection, journal: sqlite3.Connection,
           notifications: sqlite3.Connection, data: pathlib.Path, order: uuid.UUID) -> None:
    """As if the order had never been: no trace, and no gap where its events were."""
    orders.execute("DELETE FROM events WHERE stream = ?", (order.bytes,))
    journal.execute("DELETE FROM events WHERE key = ?", (str(order),))
    notifications.execute("DELETE FROM mails WHERE order_id = ?", (order.bytes,))
    write_mail(data, order).unlink()
    old = journal.execute("SELECT position FROM events ORDER BY position").fetchall()
    for position, (before,) in enumerate(old, 1):
        journal.execute("UPDATE events SET position = ? WHERE position = ?", (position, before))
    settle(orders, journal)


def acknowledgement(event: uuid.UUID, position: int) -> str:
    return json.dumps({"id": str(event), "position": position}) + "\n"
