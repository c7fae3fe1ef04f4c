"""Books of capabilities that do not agree are found by the right invariant, and those that do are not."""

import contextlib
import json
import os
import pathlib
import pty
import sqlite3
import subprocess
import time
import unittest
import urllib.error
import urllib.request

import msgpack

from event_systems import await_true
from harness import BIN, PATIENCE, System, SystemTest, new_id, text_of
from secured_systems import ALL, SecuredSystem, troupe
from systems import SHOP

RULES = pathlib.Path(__file__).parents[2] / "examples" / "shop" / "invariants.yaml"
OK, FAULTS, LATE = 0, 1, 5


def twenty_damages(good: list[bytes], declined: list[bytes]) -> list[tuple]:
    """What, the order, statements by capability, and which invariants say so: one, but for damages to orders themselves,
    which all who know of the order disagree with."""
    orders, refused = iter(good), iter(declined)

    def one(what: str, capability: str, statement: str, invariant: str, kind: str, of=orders) -> tuple:
        order = next(of)
        return what, order, [(capability, statement, order)], [(invariant, kind)]

    def of_order(what: str, statement: str, *broken: tuple[str, str], of=orders) -> tuple:
        order = next(of)
        return what, order, [("orders", statement, order)], list(broken)

    def nobodys(what: str, capability: str, statement: str, invariant: str) -> tuple:
        order = new_id()
        return what, order, [(capability, statement, order)], [(invariant, "missing_left")]

    lost, differs, none = "missing_right", "differs", "missing_left"
    held, owner, worth = "confirmed_order_has_reservation", "reservation_has_order", "reservation_is_worth_the_order"
    paid, total, kept = "confirmed_order_is_paid", "captured_less_refunded_is_the_total", "cancelled_order_keeps_no_money"
    done, over, known = "completed_saga_has_confirmed_order", "saga_ends_within_its_deadline", "payment_has_an_order"
    stuck = next(orders)
    return [
        one("a reservation is lost", "inventory", "DELETE FROM reservations WHERE order_id = ?", held, lost),
        one("a reservation is released", "inventory",
            "UPDATE reservations SET state = 'released' WHERE order_id = ?", held, lost),
        one("a line of one is lost", "inventory",
            "DELETE FROM reservations WHERE order_id = ? AND sku = 'cup'", worth, differs),
        one("a line has more pieces", "inventory",
            "UPDATE reservations SET quantity = quantity + 1 WHERE order_id = ? AND sku = 'tea'", worth, differs),
        one("a line has another price", "inventory",
            "UPDATE reservations SET price_cents = 499 WHERE order_id = ? AND sku = 'tea'", worth, differs),
        nobodys("a reservation is nobody's", "inventory",
                "INSERT INTO reservations VALUES (?, 'tea', 1, 500, 'held')", owner),
        one("what was released is held again", "inventory",
            "UPDATE reservations SET state = 'held' WHERE order_id = ?", owner, none, refused),
        one("a payment is lost", "payments", "DELETE FROM payments WHERE order_id = ?", paid, lost),
        one("a payment is declined", "payments", "UPDATE payments SET state = 'declined' WHERE order_id = ?", paid, lost),
        one("a payment is refunded", "payments", "UPDATE payments SET state = 'refunded' WHERE order_id = ?", paid, lost),
        one("a capture is lost", "payments",
            "DELETE FROM ledger WHERE kind = 'capture' AND order_id = ?", total, differs),
        one("a payment is doubled", "payments",
            "UPDATE ledger SET amount_cents = 2 * amount_cents WHERE order_id = ?", total, differs),
        one("money was paid back", "payments", "INSERT INTO ledger VALUES (?, 'refund', 1)", total, differs),
        one("a payment is in another currency", "payments",
            "UPDATE payments SET currency = 'USD' WHERE order_id = ?", total, differs),
        nobodys("a payment is nobody's", "payments",
                "INSERT INTO payments VALUES (?, x'00', 1, 'EUR', 'tok', 'charged', NULL)", known),
        one("a cancelled order's card is charged", "payments",
            "INSERT INTO ledger VALUES (?, 'capture', 500)", kept, differs, refused),
        of_order("an order is in another currency", "UPDATE orders SET currency = 'USD' WHERE order_id = ?",
                 (total, differs)),
        of_order("an order is not confirmed any more", "UPDATE orders SET state = 'created' WHERE order_id = ?",
                 (done, lost)),
        ("a saga is stuck", stuck, [
            ("order_saga", "UPDATE sagas SET phase = 0 WHERE id = ?", stuck),
            ("order_saga", "UPDATE saga_journal SET data = CAST(zeroblob(8) || substr(data, 9) AS BLOB) "
                           "WHERE seq = 1 AND saga = ?", stuck)], [(over, lost)]),
        # All that name the order.
        of_order("an order has another total", "UPDATE orders SET amount_cents = 1 WHERE order_id = ?",
                 (worth, differs), (total, differs)),
        of_order("an order is cancelled", "UPDATE orders SET state = 'cancelled' WHERE order_id = ?",
                 (owner, none), (kept, differs), (done, lost)),
        of_order("an order is lost", "DELETE FROM orders WHERE order_id = ?", (owner, none), (known, none), (done, lost)),
        of_order("a cancelled order is confirmed", "UPDATE orders SET state = 'confirmed' WHERE order_id = ?",
                 (held, lost), (paid, lost), of=refused),
    ]


WISH = {"customer": "c", "currency": "EUR", "card": "tok", "items": [{"sku": "tea", "quantity": 2}]}


def stocked(system):
    """A client of a shop that has enough of everything."""
    client = system.client()
    client.call("inventory", "load", {"items": [
        {"sku": sku, "price_cents": 500, "currency": "EUR", "quantity": 100_000} for sku in ("tea", "cup")]})
    return client


class Reconciling(SystemTest):
    def reconcile(self, system: System, *more: str, rules: pathlib.Path = RULES, code: int = OK) -> list[dict]:
        done = subprocess.run(
            [str(BIN / "troupe"), "reconcile", str(system.file), str(rules), "--json", "--recheck", "50ms",
             "--page", "3", *(() if "--pause" in more else ("--pause", "1ms")), *more],
            capture_output=True, text=True, timeout=2 * PATIENCE, check=False)
        self.assertEqual(code, done.returncode, done.stdout + done.stderr)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def without_settling(self) -> pathlib.Path:
        """The shop's rules, for orders of this moment."""
        rules = self.folder / "rules.yaml"
        rules.write_text(RULES.read_text().replace("    match:", "    settle: 0s\n    match:"))
        return rules

    def damage(self, system: System, capability: str, statement: str, *values: object) -> None:
        with contextlib.closing(sqlite3.connect(
                system.data / f"{capability}.db", timeout=PATIENCE, isolation_level=None)) as session:
            session.execute(statement, values)

    def test_damages_are_found_by_the_right_invariant_and_work_in_flight_is_none(self):
        system = self.system(SHOP, nodes=("n1",))
        self.folder = system.folder
        system.broker()
        worker = system.worker()
        client = stocked(system)
        sagas = [client.send("order_saga", "place", WISH, ttl=60000) for _ in range(10)]
        wrong = client.send("order_saga", "place", {**WISH, "items": [{"sku": "tea", "quantity": 400}]}, ttl=60000)
        answers = client.collect([*sagas, wrong])
        self.assertTrue(all(answers[each].ok for each in sagas))
        self.assertFalse(answers[wrong].ok)
        rules = self.without_settling()

        whole = self.reconcile(system, rules=rules)
        self.assertEqual({True}, {each["holds"] for each in whole})
        self.assertEqual(11, whole[-1]["left_rows"])

        self.damage(system, "inventory", "DELETE FROM reservations WHERE order_id = ?", sagas[0])
        self.damage(system, "payments", "UPDATE ledger SET amount_cents = 999 WHERE order_id = ?", sagas[1])
        self.damage(system, "payments", "DELETE FROM payments WHERE order_id = ?", sagas[2])
        self.damage(system, "orders", "UPDATE orders SET state = 'confirmed' WHERE order_id = ?", wrong)
        self.damage(system, "inventory", "UPDATE reservations SET quantity = 3 WHERE order_id = ?", sagas[3])
        found = [each for each in self.reconcile(system, rules=rules, code=FAULTS) if "key" in each]
        self.assertEqual(
            {("confirmed_order_has_reservation", text_of(sagas[0]), "missing_right"),
             ("captured_less_refunded_is_the_total", text_of(sagas[1]), "differs"),
             ("confirmed_order_is_paid", text_of(sagas[2]), "missing_right"),
             ("confirmed_order_has_reservation", text_of(wrong), "missing_right"),
             ("confirmed_order_is_paid", text_of(wrong), "missing_right"),
             ("reservation_is_worth_the_order", text_of(sagas[3]), "differs")},
            {(each["invariant"], each["key"], each["type"]) for each in found})

        self.reconcile(system)  # Nothing of this is settled yet.
        worker.kill()
        lost = self.reconcile(system, "--only", "payment_has_an_order", "--deadline", "500ms", rules=rules, code=LATE)
        self.assertIn("was not compared at all", lost[0]["error"]["message"])

    # Each damage is to an order of its own, so that what it adds to the findings is known.
    def test_each_of_twenty_damages_is_found_by_the_right_invariants_and_by_no_other(self):
        system = self.system(SHOP, nodes=("n1",))
        self.folder = system.folder
        system.broker()
        system.worker()
        client = stocked(system)
        wish = {**WISH, "items": [{"sku": "tea", "quantity": 2}, {"sku": "cup", "quantity": 1}]}
        dear = {**wish, "items": [{"sku": "tea", "quantity": 400}]}  # The card is declined.
        good = [client.send("order_saga", "place", wish, ttl=60000) for _ in range(24)]
        declined = [client.send("order_saga", "place", dear, ttl=60000) for _ in range(4)]
        answers = client.collect([*good, *declined])
        self.assertEqual([True] * 24 + [False] * 4, [answers[each].ok for each in (*good, *declined)])
        rules = self.without_settling()
        whole = self.reconcile(system, rules=rules)
        self.assertEqual({True}, {each["holds"] for each in whole})

        expected = set()
        damages = twenty_damages(good, declined)
        for what, order, statements, broken in damages:
            for capability, statement, *values in statements:
                self.damage(system, capability, statement, *values)
            expected |= {(invariant, text_of(order), kind) for invariant, kind in broken}
            found = self.reconcile(system, rules=rules, code=FAULTS)
            self.assertEqual(expected, {
                (each["invariant"], each["key"], each["type"]) for each in found if "key" in each}, what)
        self.assertGreaterEqual(len(damages), 20)
        # Each invariant has found something that no other one did.
        self.assertEqual(
            {each["invariant"] for each in whole},
            {broken[0][0] for _, _, _, broken in damages if len(broken) == 1})

    def test_it_begins_behind_a_key_asks_as_slowly_as_it_is_told_and_shows_a_person_how_far_it_is(self):
        system = self.system(SHOP, nodes=("n1",))
        self.folder = system.folder
        system.broker()
        system.worker()
        client = stocked(system)
        sagas = sorted(client.send("order_saga", "place", WISH, ttl=60000) for _ in range(12))
        self.assertTrue(all(each.ok for each in client.collect(sagas).values()))
        rules = self.without_settling()
        for each in (sagas[2], sagas[9]):
            self.damage(system, "inventory", "DELETE FROM reservations WHERE order_id = ?", each)
        only = ("--only", "confirmed_order_has_reservation")

        behind = self.reconcile(system, *only, "--behind", text_of(sagas[5]), rules=rules, code=FAULTS)
        self.assertEqual([text_of(sagas[9])], [each["key"] for each in behind if "key" in each])
        self.assertEqual((6, 6), (behind[-1]["judged"], behind[-1]["left_rows"]))

        # 12 and 10 rows by threes, and an empty page each, twice.
        began = time.monotonic()
        self.reconcile(system, *only, "--pause", "60ms", rules=rules, code=FAULTS)
        self.assertGreater(time.monotonic() - began, 18 * 0.06 * 0.9)

        shown = self.on_a_terminal(system, rules, *only, "--pause", "100ms", "--page", "3", "--recheck", "50ms")
        self.assertIn("confirmed_order_has_reservation: 3 and 3 rows read, 0 findings", shown)
        lines = [each.rstrip("\r").rsplit("\r", 1)[-1] for each in shown.split("\n")]  # What is left of each line in the end.
        self.assertEqual([], [each for each in lines if "rows read" in each])
        self.assertIn("2 findings", lines[-2])

    @staticmethod
    def on_a_terminal(system: System, rules: pathlib.Path, *more: str) -> str:
        """What `troupe reconcile` writes to a terminal."""
        mine, its = pty.openpty()
        process = subprocess.Popen([str(BIN / "troupe"), "reconcile", str(system.file), str(rules), *more],
                                   stdin=subprocess.DEVNULL, stdout=its, stderr=its)
        os.close(its)
        shown = b""
        with contextlib.suppress(OSError):  # The other end is closed.
            while part := os.read(mine, 65536):
                shown += part
        os.close(mine)
        process.wait(PATIENCE)
        return shown.decode()

    def test_a_saga_that_is_not_over_by_its_deadline_is_found_until_it_ends(self):
        short = ("{nodes: [n1], config: {place: {deadline: 5s, steps: {create: {deadline: 500ms}, "
                 "reserve: {deadline: 500ms}, charge: {deadline: 3s}, confirm: {deadline: 500ms}}}}}")
        placed = {"orders": "{nodes: [n2]}", "order_saga": short}
        system = self.system({name: placed.get(name, what.replace("{", "{nodes: [n1], ", 1).replace("5ms", "2s"))
                              for name, what in SHOP.items()})
        self.folder = system.folder
        rules = self.without_settling()
        only = ("--only", "saga_ends_within_its_deadline")
        system.broker()
        system.worker("n1")
        of_orders = system.worker("n2")
        client = stocked(system)
        stuck = client.send("order_saga", "place", WISH, ttl=60000)
        await_true(client, "it is charged", lambda: system.rows("payments", "SELECT 1 FROM payments"))
        of_orders.kill()  # Who should confirm it is away.

        found = []
        def is_found() -> bool:
            found[:] = [each for each in self.look(system, rules, *only) if "key" in each]
            return bool(found)
        await_true(client, "it is found", is_found, within=4 * PATIENCE)
        self.assertEqual([("saga_ends_within_its_deadline", text_of(stuck), "missing_right")], [
            (each["invariant"], each["key"], each["type"]) for each in found])
        self.assertEqual([], client.answers.get(stuck, []))
        self.assertEqual([], [each for each in self.reconcile(system, *only) if "key" in each])  # Before it settled.

        system.worker("n2")
        self.assertTrue(client.collect([stuck], within=4 * PATIENCE)[stuck].ok)
        self.assertEqual([], [each for each in self.reconcile(system, *only, rules=rules) if "key" in each])

    def look(self, system: System, rules: pathlib.Path, *more: str) -> list[dict]:
        """What `troupe reconcile` says, whether it finds anything or not."""
        done = subprocess.run(
            [str(BIN / "troupe"), "reconcile", str(system.file), str(rules), "--json", "--recheck", "50ms", *more],
            capture_output=True, text=True, timeout=2 * PATIENCE, check=False)
        self.assertIn(done.returncode, (OK, FAULTS), done.stdout + done.stderr)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def test_the_capability_tells_once_over_the_death_of_its_worker_and_again_when_it_heals(self):
        config = "{invariants: rules.yaml, every: 1s, recheck: 100ms, pause: 1ms, page: 10}"
        system = self.system({**SHOP, "reconciliation": f"{{replicas: 2, config: {config}}}"})
        self.folder = system.folder
        self.without_settling()
        system.broker()
        workers = {node: system.worker(node) for node in system.nodes}
        client = stocked(system)
        sagas = [client.send("order_saga", "place", WISH, ttl=60000) for _ in range(30)]
        self.assertTrue(all(each.ok for each in client.collect(sagas).values()))
        victim = text_of(sagas[7])
        saved = system.rows("inventory", "SELECT * FROM reservations WHERE order_id = ?", sagas[7])

        self.damage(system, "inventory", "DELETE FROM reservations WHERE order_id = ?", sagas[7])
        detected = self.await_told(system, client, "data.inconsistency.detected")
        workers["n1"].kill()
        self.await_pass(client)
        passes = self.await_pass(client)
        self.assertEqual({""}, {each["not_compared"] for each in passes.values()})
        self.assertEqual(detected, self.told(system, "data.inconsistency.detected"))
        self.assertEqual((victim, "confirmed_order_has_reservation", "missing_right", 1), tuple(
            detected[0][each] for each in ("orderId", "invariant", "type", "times")))
        cases = client.call("reconciliation", "cases", {}).body["cases"]
        self.assertEqual([victim], [each["key"] for each in cases])

        self.damage(system, "inventory",
                    f"INSERT INTO reservations VALUES ({','.join('?' * len(saved[0]))})", *saved[0])
        resolved = self.await_told(system, client, "data.inconsistency.resolved")
        self.assertEqual(detected[0]["case_id"], resolved[0]["case_id"])
        self.assertEqual([], client.call("reconciliation", "cases", {}).body["cases"])

    def test_with_keys_tokens_and_rules_it_compares_and_operators_are_told_of_open_cases(self):
        """Its rights are `call` of what it compares and `publish` of what it finds."""
        config = "{invariants: rules.yaml, every: 1s, recheck: 100ms, pause: 1ms, page: 10}"
        allow = {
            "order_saga": "{call: [orders.*, inventory.*, payments.*]}",
            "orders": "{publish: [order.*]}", "inventory": "{publish: [stock.low]}",
            "reconciliation": "{call: [orders.list, inventory.reservations, payments.list, order_saga.sagas], "
                              "publish: [data.inconsistency.*]}",
            "operator": ALL, "anonymous": ALL}
        system = SecuredSystem(
            {**SHOP, "reconciliation": f"{{replicas: 2, config: {config}}}"}, nodes=("n1",), admin=True,
            allow="{" + ", ".join(f"{who}: {may}" for who, may in allow.items()) + "}",
            tokens="{issuer: shop, audience: shop, login: required}")
        self.addCleanup(system.close)
        self.folder = system.folder
        self.without_settling()
        self.assertEqual(0, troupe("token", "keys", system.file).returncode)
        broker = system.broker()
        system.worker()
        client = stocked(system)
        order = client.call("order_saga", "place", WISH, ttl=30000)
        self.assertTrue(order.ok, order)
        self.assertEqual({""}, {each["not_compared"] for each in self.await_pass(client).values()})
        self.assertNotIn("reconciliation has", self.status(system))

        self.damage(system, "inventory", "DELETE FROM reservations WHERE order_id = ?", order.id)
        self.await_told(system, client, "data.inconsistency.detected")
        await_true(client, "status", lambda: "reconciliation has" in self.status(system), within=4 * PATIENCE)
        said = self.status(system)
        self.assertIn("reconciliation has 1 open case: 1 of confirmed_order_has_reservation", said)
        self.assertIn("reconciliation.cases '{}'` says which", said)
        self.assertIn("waits for a person", said)
        self.assertRegex(self.fetch(system, "/health"), r'"open.reconciliation":\{"status":"[^"]*","[^}]*1 open case: ')
        self.assertIn('troupe_worker_open_matters{capability="reconciliation"} 1', self.fetch(system, "/metrics"))
        self.assertEqual([], broker.find("access_refused"))

    @staticmethod
    def fetch(system: System, path: str) -> str:
        try:
            with urllib.request.urlopen(f"http://{system.admin['n1']}{path}", timeout=PATIENCE) as answer:
                return answer.read().decode()
        except urllib.error.HTTPError as answer:
            return answer.read().decode()

    @staticmethod
    def status(system: System) -> str:
        return " ".join(troupe("status", system.file).stdout.split())

    def told(self, system: System, topic: str) -> list[dict]:
        """The events of a topic that the journal has."""
        with contextlib.closing(sqlite3.connect(system.data / "journal.db", timeout=PATIENCE)) as session:
            return [msgpack.unpackb(body) for body, in session.execute(
                "SELECT body FROM events JOIN topics ON topics.id = events.topic WHERE topics.name = ? "
                "ORDER BY position", (topic,))]

    def await_told(self, system: System, client, topic: str) -> list[dict]:
        await_true(client, topic, lambda: self.told(system, topic), within=4 * PATIENCE)
        return self.told(system, topic)

    def passes(self, client) -> dict[str, dict]:
        return {each["invariant"]: each for each in client.call("reconciliation", "passes", {}).body["passes"]}

    def await_pass(self, client) -> dict[str, dict]:
        """Waits until each invariant was compared once more."""
        before = self.passes(client)
        await_true(client, "a pass", lambda: all(
            each["compared_at"] > before[name]["compared_at"] for name, each in self.passes(client).items()),
            within=4 * PATIENCE)
        return self.passes(client)

    def test_a_file_of_invariants_that_is_wrong_is_found_before_it_is_run(self):
        system = self.system({**SHOP, "reconciliation": "{config: {invariants: rules.yaml}}"}, nodes=("n1",))
        rules = system.folder / "rules.yaml"
        rules.write_text(RULES.read_text().replace("query: reservations", "query: reservatons", 1))
        said = subprocess.run([str(BIN / "troupe"), "check", str(system.file)], capture_output=True, text=True,
                              timeout=PATIENCE, check=False)
        self.assertEqual(FAULTS, said.returncode)
        self.assertIn("rules.yaml:9:12: capability `inventory` has no operation `reservatons`", said.stderr)

    def test_an_invariant_that_names_what_is_not_there_is_refused_with_its_place(self):
        system = self.system(SHOP, nodes=("n1",))
        rules = system.folder / "wrong.yaml"
        rules.write_text(RULES.read_text().replace("query: reservations", "query: reservatons", 1))
        said = self.reconcile(system, rules=rules, code=FAULTS)
        self.assertRegex(said[0]["at"], r"wrong\.yaml:9:12$")
        self.assertIn("did you mean `reservations`?", said[0]["fault"])


if __name__ == "__main__":
    unittest.main()
