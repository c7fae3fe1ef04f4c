"""Damages by hand to what is in the databases: what a stranger might do to an order, its money, its
goods, its saga and its events, also where every single value could be right."""

from collections.abc import Callable, Iterator

import ids
from damages import Damage, change_rows, change_lines
from good_orders import SAMPLES, identity
from good_run import GoodRun


def _swap(name: str, table: str, key: str, column: str, one: bytes, other: bytes,
          also: str = "") -> Callable[[GoodRun], int]:
    """Two rows have each other's value."""
    def do(run: GoodRun) -> int:
        with run.database(name) as database:
            database.execute("PRAGMA ignore_check_constraints = ON")
            values = [database.execute(f"SELECT {column} FROM {table} WHERE {key} = ?{also}",
                                       (each,)).fetchone()[0] for each in (one, other)]
            return sum(database.execute(f"UPDATE {table} SET {column} = ? WHERE {key} = ?{also}",
                                        (value, each)).rowcount
                       for value, each in zip(reversed(values), (one, other)))
    return do


def _all_dead(run: GoodRun) -> int:
    """Every confirmation is a dead letter with the id that it must have, and there is no mail."""
    letters = 0
    with run.database("journal") as journal:
        rows = journal.execute("SELECT position, e.id, time, key, body FROM events e JOIN topics t"
                               " ON t.id = e.topic WHERE t.name = 'order.confirmed'").fetchall()
        for position, event, at, key, body in rows:
            letters += journal.execute(
                "INSERT INTO dead_letters VALUES (?, 'notifications', ?, 'order.confirmed', ?, ?, NULL,"
                " ?, 'orders', NULL, NULL, ?, 'rejected', 'no', 1, ?, ?, 'n1', 0)",
                (ids.dead_letter(event, "notifications", position), position, event, at, key, body,
                 at, at)).rowcount
    run.execute("notifications", "DELETE FROM mails")
    for path in (run.data / "mail").glob("*.eml"):
        path.unlink()
    return letters


def order_ids(began: int) -> tuple[dict[int, bytes], dict[int, str]]:
    """By the number of the sample, as the books have them and as people write them."""
    key = {sample.number: identity(began + 1_000 * sample.number, sample.number) for sample in SAMPLES}
    return key, {number: ids.text(each) for number, each in key.items()}


def of_books(began: int) -> Iterator[Damage]:
    key, text = order_ids(began)
    one, two, declined, late = text[1], text[2], text[5], text[6]
    charge = ids.command(key[1], 2)
    yield from _of_money(key, text, charge)
    yield from _of_swaps(key, text)
    yield from _of_sagas(key, text)
    yield from _of_events(key, text)
    yield Damage("an order that nobody asked for", change_rows(
        "orders", "INSERT INTO orders VALUES (?, 'x', 'EUR', 'created', NULL, NULL, 1)",
        identity(began, 777)), ("orders.db orders", ids.text(identity(began, 777))))
    yield Damage("an order cancelled that was confirmed", change_rows(
        "orders", "UPDATE orders SET state = 'cancelled' WHERE order_id = ?", key[1]),
        ("orders.db orders", one, "cancelled", "confirmed"))
    yield Damage("an order confirmed that was cancelled", change_rows(
        "orders", "UPDATE orders SET state = 'confirmed' WHERE order_id = ?", key[6]),
        ("orders.db orders", late, "confirmed", "cancelled"))
    yield Damage("a line that was not ordered", change_rows(
        "orders", "INSERT INTO order_lines VALUES (?, 'mug', 1)", key[7]),
        ("orders.db order_lines", text[7], "mug"))
    yield Damage("a gap in an order's versions", change_rows(
        "orders", "UPDATE events SET version = version + 1 WHERE stream = ? AND version = 2;"
        "UPDATE events SET position = position WHERE stream = ?"[:0] or
        "UPDATE events SET version = version + 1 WHERE stream = ? AND version = 2", key[2]),
        ("orders.db events", two))
    yield Damage("held goods are released", change_rows(
        "inventory", "UPDATE reservations SET state = 'released' WHERE order_id = ?", key[1]),
        ("inventory.db reservations", one, "released", "held"))
    yield Damage("goods of a declined order are held", change_rows(
        "inventory", "UPDATE reservations SET state = 'held' WHERE order_id = ?", key[5]),
        ("inventory.db reservations", declined, "held", "released"))
    yield Damage("a shelf restocked", change_rows(
        "inventory", "UPDATE stock SET initial = initial + 5, available = available + 5"
        " WHERE sku = 'tea'"), ("inventory.db stock tea", "1005", "1000"))
    yield Damage("a shelf emptied", change_rows(
        "inventory", "UPDATE stock SET initial = initial - available, available = 0"
        " WHERE sku = 'mug'"), ("inventory.db stock mug",))
    yield Damage("a product that was not delivered", change_rows(
        "inventory", "INSERT INTO stock VALUES ('gold', 1, 'EUR', 1, 1)"),
        ("inventory.db stock gold",))
    yield Damage("a column dropped", change_rows("payments", "ALTER TABLE payments DROP COLUMN card"),
                 ("payments.db payments", "card"))
    yield Damage("a table dropped", change_rows("orders", "DROP TABLE snapshots"),
                 ("orders.db snapshots",))
    yield Damage("a strange table", change_rows("orders", "CREATE TABLE strange (x)"),
                 ("orders.db strange",))
    yield Damage("a newer program in one database alone", change_rows(
        "payments", "INSERT INTO schema_versions SELECT component, 2, name, digest, at"
        " FROM schema_versions WHERE component = 'troupe.turn'"),
        ("schema_versions troupe.turn 2", "missing"))
    yield Damage("every writer fenced", change_rows("orders", "UPDATE writers SET fenced = 1"),
                 ("orders.db writers", "fenced"))
    yield Damage("a writer not fenced whose node came again", change_rows(
        "orders", "UPDATE writers SET fenced = 0 WHERE id = 1"), ("orders.db writers 1", "fenced"))


def _of_money(key: dict, text: dict, charge: bytes) -> Iterator[Damage]:
    yield Damage("a payment stuck in refunding", change_rows(
        "payments", "UPDATE payments SET state = 'refunding' WHERE order_id = ?", key[1]),
        ("payments.db payments", text[1], "refunding", "charged"))
    yield Damage("a refund forgotten", change_rows(
        "payments", "DELETE FROM ledger WHERE order_id = ? AND kind = 'refund'", key[6]),
        ("payments.db ledger", text[6], "refund"))
    yield Damage("a declined payment charged", change_rows(
        "payments", "UPDATE payments SET state = 'charged' WHERE order_id = ?", key[5]),
        ("payments.db payments", text[5], "charged", "declined"))
    yield Damage("a confirmed order paid back", change_rows(
        "payments", "INSERT INTO ledger SELECT order_id, 'refund', amount_cents FROM ledger"
        " WHERE order_id = ?", key[1]), ("payments.db ledger", text[1], "refund"))
    yield Damage("a tombstone of money gone", change_rows(
        "payments", "DELETE FROM payments WHERE order_id = ?", key[12]),
        ("payments.db payments", text[12]))
    name = ids.text(charge)
    for what, change in (
            ("gone", lambda lines: [each for each in lines if not each.startswith(name)]),
            ("of another amount", lambda lines: [
                each.replace(" 2100", " 2101") if each.startswith(name) else each for each in lines]),
            ("of another order", lambda lines: [
                each.replace(text[1], text[2]) if each.startswith(name) else each for each in lines]),
            ("of another kind", lambda lines: [
                each.replace("capture", "refund") if each.startswith(name) else each for each in lines]),
            ("under another key", lambda lines: [
                each.replace(name, ids.text(key[9])) for each in lines])):
        yield Damage(f"a transfer {what}", change_lines("data/provider.log", change),
                     ("provider.log", name if what != "under another key" else ids.text(key[9])))
    yield Damage("a charge and its refund that nobody asked for", change_lines(
        "data/provider.log", lambda lines: [
            *lines, f"{text[9]} capture {text[5]} 5000\n", f"{text[10]} refund {text[5]} 5000\n"]),
        ("provider.log", text[9], "capture"))
    yield Damage("a refund before its charge", change_lines("data/provider.log", lambda lines: sorted(
        lines, key=lambda each: " refund " not in each)), ("provider.log", "refund", "before"))


def _of_swaps(key: dict, text: dict) -> Iterator[Damage]:
    one, two = key[1], key[2]
    for name, table, column, by in (
            ("orders", "orders", "customer", "order_id"), ("orders", "orders", "payment_id", "order_id"),
            ("orders", "orders", "amount_cents", "order_id"),
            ("payments", "payments", "card", "order_id"),
            ("payments", "payments", "payment_id", "order_id"),
            ("payments", "payments", "provider_ref", "order_id"),
            ("payments", "payments", "amount_cents", "order_id"),
            ("payments", "ledger", "amount_cents", "order_id"),
            ("notifications", "mails", "recipient", "order_id"),
            ("notifications", "mails", "event_id", "order_id"),
            ("notifications", "mails", "message_id", "order_id"),
            ("order_saga", "inbox", "reply", "id"), ("order_saga", "inbox", "digest", "id")):
        yield Damage(f"two orders' {name}.{table}.{column} swapped",
                     _swap(name, table, by, column, one, two), (f"{name}.db {table}", text[1]))
    for name, table, column, by, also in (
            ("orders", "events", "body", "stream", " AND version = 1"),
            ("orders", "events", "cause", "stream", " AND version = 2"),
            ("order_saga", "saga_journal", "data", "saga", " AND seq = 1"),
            ("order_saga", "saga_journal", "data", "saga", " AND seq = 2"),
            ("order_saga", "saga_journal", "data", "saga", " AND seq = 5")):
        yield Damage(f"two orders' {name}.{table}.{column} swapped{also}",
                     _swap(name, table, by, column, one, two, also), (f"{name}.db {table}", text[1]))
    for name, step, column in (("orders", 0, "reply"), ("orders", 3, "digest"),
                               ("inventory", 1, "reply"), ("payments", 2, "reply")):
        yield Damage(f"two orders' {name}.inbox.{column} swapped", _swap(
            name, "inbox", "id", column, ids.command(one, step), ids.command(two, step)),
            (f"{name}.db inbox", ids.text(ids.command(one, step))))
    yield Damage("two orders' reasons swapped", _swap(
        "order_saga", "saga_journal", "saga", "data", key[3], key[11], " AND kind = 4"),
        ("order_saga.db saga_journal", text[3], "failed"))


def _of_sagas(key: dict, text: dict) -> Iterator[Damage]:
    journal, one, late = "order_saga.db saga_journal", key[1], key[6]

    def change(statement: str, *values: object) -> Callable[[GoodRun], int]:
        return change_rows("order_saga", statement, *values)
    yield Damage("a saga gone with its journal", lambda run: sum(
        change(f"DELETE FROM {table} WHERE {by} = ?", one)(run)
        for table, by in (("sagas", "id"), ("saga_journal", "saga"))), ("order_saga.db sagas", text[1]))
    yield Damage("a saga that goes forward for ever", change(
        "UPDATE sagas SET phase = 0 WHERE id = ?", one), ("order_saga.db sagas", text[1], "phase"))
    yield Damage("a saga parked that is over", change(
        "UPDATE sagas SET phase = 4 WHERE id = ?", one), ("order_saga.db sagas", text[1], "phase"))
    yield Damage("a saga of an epoch far ahead", change(
        "UPDATE sagas SET epoch = epoch + 1000 WHERE id = ?", one),
        ("order_saga.db sagas", text[1], "epoch"))
    yield Damage("a done step struck from the journal", lambda run: sum(
        change(each, one)(run) for each in (
        "DELETE FROM saga_journal WHERE saga = ? AND seq IN (4, 5)",
        "UPDATE saga_journal SET seq = -(seq - 2) WHERE saga = ? AND seq > 5",
        "UPDATE saga_journal SET seq = -seq WHERE saga = ? AND seq < 0")), (journal, text[1]))
    yield Damage("an end struck from the journal", change(
        "DELETE FROM saga_journal WHERE saga = ? AND kind = 7", one), (journal, text[1]))
    yield Damage("a step done twice", change(
        "INSERT INTO saga_journal SELECT saga, 11, kind, step, round, attempt, epoch, at, data"
        " FROM saga_journal WHERE saga = ? AND seq = 9", one), (journal, text[1], "row 11"))
    yield Damage("undone in another order", change(
        "UPDATE saga_journal SET step = CASE step WHEN 0 THEN 2 WHEN 2 THEN 0 ELSE step END"
        " WHERE saga = ? AND kind IN (5, 6)", late), (journal, text[6]))
    yield Damage("an outcome that was unknown is none", change(
        "UPDATE saga_journal SET data = CAST(replace(data, 'unknown', 'nowhere') AS BLOB)"
        " WHERE saga = ? AND kind = 4", late), (journal, text[6]))
    yield Damage("a result emptied", change(
        "UPDATE saga_journal SET data = x'80' WHERE saga = ? AND seq = 7", one), (journal, text[1]))
    yield Damage("an input emptied", change(
        "UPDATE saga_journal SET data = substr(data, 1, 16) WHERE saga = ? AND seq = 1", one),
        (journal, text[1]))
    yield Damage("a deadline far away", change(
        "UPDATE saga_journal SET data = CAST(x'000002' || substr(data, 4) AS BLOB)"
        " WHERE saga = ? AND seq = 1", one), (journal, text[1], "deadline"))
    yield Damage("steps of another program", change(
        "UPDATE saga_journal SET data = CAST(substr(data, 1, 8) || zeroblob(8) || substr(data, 17) AS"
        " BLOB) WHERE saga = ? AND seq = 1", one), (journal, text[1]))
    yield Damage("a refusal that the request does not explain", change(
        "UPDATE saga_journal SET data = CAST(replace(data, '3 are', '9 are') AS BLOB)"
        " WHERE saga = ? AND kind = 4", key[11]), (journal, text[11]))
    for name, steps in (("orders", (0, 3)), ("inventory", (1,)), ("payments", (2,))):
        for step in steps:
            call = ids.command(one, step)
            yield Damage(f"the {ids.STEPS[step]} gone from its inbox", change_rows(
                name, "DELETE FROM inbox WHERE id = ?", call), (f"{name}.db inbox", ids.text(call)))
    yield Damage("an answer refused that was good", change_rows(
        "payments", "UPDATE inbox SET state = 3 WHERE id = ?", ids.command(one, 2)),
        ("payments.db inbox", ids.text(ids.command(one, 2)), "state"))
    yield Damage("a call that no saga made", change_rows(
        "payments", "INSERT INTO inbox VALUES (?, 'refund', 1, 2, x'80', 'n1', 0, 1)", key[9]),
        ("payments.db inbox", text[9]))
    yield Damage("a node that has no such replica", change_rows(
        "payments", "UPDATE inbox SET node = 'n2' WHERE id = ?", ids.command(one, 2)),
        ("payments.db inbox", ids.text(ids.command(one, 2)), "node"))


def _of_events(key: dict, text: dict) -> Iterator[Damage]:
    at = {}
    for number in (1, 2):
        at[number] = ids.event(ids.command(key[number], 3), "order.confirmed")

    def change(statement: str, *values: object) -> Callable[[GoodRun], int]:
        return change_rows("journal", statement, *values)
    yield Damage("a confirmation gone from the journal", change(
        "DELETE FROM events WHERE id = ?", at[1]), ("journal.db events", ids.text(at[1]), text[1]))
    yield Damage("an event told twice", change(
        "INSERT INTO events SELECT (SELECT MAX(position) + 1 FROM events), topic, id, time, digest, key,"
        " source, traceparent, only_for, body FROM events WHERE id = ?", at[1]),
        ("journal.db events", text[1], "already"))
    yield Damage("an event that nobody told", change(
        "INSERT INTO events SELECT (SELECT MAX(position) + 1 FROM events), topic, ?, time, digest, key,"
        " source, traceparent, only_for, body FROM events WHERE id = ?", key[9], at[1]),
        ("journal.db events", text[1], "never told"))
    yield Damage("two events in another order", lambda run: sum(
        change(each, *values)(run) for each, values in (
        ("UPDATE events SET position = -position WHERE id IN (?, ?)", (at[1], at[2])),
        ("UPDATE events SET position = CASE id WHEN ? THEN 5 WHEN ? THEN 3 END WHERE position < 0",
         (at[1], at[2])))), ("journal.db events", text[1], "told before"))
    yield Damage("two events' bodies swapped", _swap("journal", "events", "id", "body", at[1], at[2]),
                 ("journal.db events", text[1]))
    yield Damage("two events' keys swapped", _swap("journal", "events", "id", "key", at[1], at[2]),
                 ("journal.db events", text[1]))
    yield Damage("a gap in the positions", change(
        "UPDATE events SET position = position + 5 WHERE position = (SELECT MAX(position) FROM events)"),
        ("journal.db events", "missing"))
    yield Damage("cursors at 0", change(
        "UPDATE cursors SET handled = zeroblob(512) WHERE capability = 'notifications'"),
        ("journal.db cursors notifications", "handled"))
    yield Damage("cursors cut off", change(
        "UPDATE cursors SET handled = x'00' WHERE capability = 'notes'"), ("journal.db cursors notes",))
    yield Damage("cursors at the end of time", change(
        "UPDATE cursors SET handled = CAST(replace(hex(zeroblob(64)), '00', 'zzzzzzzz') AS BLOB)"
        " WHERE capability = 'notes'"), ("journal.db cursors notes", "handled"))
    yield Damage("the outbox taken less than it was", change(
        "UPDATE sources SET taken = taken - 5 WHERE capability = 'orders'"),
        ("journal.db sources orders", "taken"))
    yield Damage("the outbox of another database", change(
        "UPDATE sources SET instance = ? WHERE capability = 'orders'", key[9]),
        ("journal.db sources orders", "instance"))
    yield Damage("every confirmation a dead letter", _all_dead, ("journal.db dead_letters", "rejected"))
    yield Damage("counters of what was never counted", change(
        "UPDATE topics SET events = 3, total = 3 WHERE name = 'order.confirmed'"),
        ("journal.db topics order.confirmed", "total"))
    for column in ("handled", "epoch"):
        yield Damage(f"partitions: {column} at the end of time", change_rows(
            "notifications", f"UPDATE partitions SET {column} = 1000000000000"),
            ("notifications.db partitions", column))
    yield Damage("positions of partitions at 0", change_rows(
        "notifications", "UPDATE partitions SET handled = 0"), ("notifications.db partitions", "handled"))
    yield Damage("a mail that failed and is there", change_rows(
        "notifications", "UPDATE mails SET state = 'failed', reason = 'no' WHERE order_id = ?", key[1]),
        ("notifications.db mails", text[1], "failed", "sent"))
    yield Damage("a mail for an order that was cancelled", change_rows(
        "notifications", "UPDATE mails SET order_id = ? WHERE order_id = ?", key[6], key[1]),
        ("notifications.db mails", text[6]))
    yield Damage("a timer that was due yesterday", change_rows(
        "orders", "INSERT INTO timers VALUES (999, ?, 1, 'order.reminder', 'k', x'80', NULL)", key[9]),
        ("orders.db timers 999",))
