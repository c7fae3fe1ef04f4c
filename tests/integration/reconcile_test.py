"""Books of capabilities that do not agree are found by the right invariant, and those that do are not."""

import contextlib
import json
import pathlib
import sqlite3
import subprocess
import unittest
import urllib.error
import urllib.request

import msgpack

from event_systems import await_true
from harness import BIN, PATIENCE, System, SystemTest, text_of
from secured_systems import ALL, SecuredSystem, troupe
from systems import SHOP

RULES = pathlib.Path(__file__).parents[2] / "examples" / "shop" / "invariants.yaml"
OK, FAULTS, LATE = 0, 1, 5


class Reconciling(SystemTest):
    def reconcile(self, system: System, *more: str, rules: pathlib.Path = RULES, code: int = OK) -> list[dict]:
        done = subprocess.run(
            [str(BIN / "troupe"), "reconcile", str(system.file), str(rules), "--json", "--recheck", "50ms",
             "--pause", "1ms", "--page", "3", *more],
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
        client = system.client()
        client.call("inventory", "load", {"items": [
            {"sku": "tea", "price_cents": 500, "currency": "EUR", "quantity": 1000}]})
        wish = {"customer": "c", "currency": "EUR", "card": "tok", "items": [{"sku": "tea", "quantity": 2}]}
        sagas = [client.send("order_saga", "place", wish, ttl=60000) for _ in range(10)]
        wrong = client.send("order_saga", "place", {**wish, "items": [{"sku": "tea", "quantity": 400}]}, ttl=60000)
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
             ("reservation_is_worth_the_order", text_of(sagas[3]), "differs")},
            {(each["invariant"], each["key"], each["type"]) for each in found
             if (each["invariant"], each["key"]) not in (
                 # A confirmed order without any payment, or with one that was called off.
                 ("confirmed_order_is_paid", text_of(wrong)),
                 ("captured_less_refunded_is_the_total", text_of(wrong)))})

        self.reconcile(system)  # Nothing of this is settled yet.
        worker.kill()
        lost = self.reconcile(system, "--only", "payment_has_an_order", "--deadline", "500ms", rules=rules, code=LATE)
        self.assertIn("was not compared at all", lost[0]["error"]["message"])

    def test_the_capability_tells_once_over_the_death_of_its_worker_and_again_when_it_heals(self):
        config = "{invariants: rules.yaml, every: 1s, recheck: 100ms, pause: 1ms, page: 10}"
        system = self.system({**SHOP, "reconciliation": f"{{replicas: 2, config: {config}}}"})
        self.folder = system.folder
        self.without_settling()
        system.broker()
        workers = {node: system.worker(node) for node in system.nodes}
        client = system.client()
        client.call("inventory", "load", {"items": [
            {"sku": "tea", "price_cents": 500, "currency": "EUR", "quantity": 1000}]})
        wish = {"customer": "c", "currency": "EUR", "card": "tok", "items": [{"sku": "tea", "quantity": 2}]}
        sagas = [client.send("order_saga", "place", wish, ttl=60000) for _ in range(30)]
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
            "reconciliation": "{call: [orders.list, inventory.reservations, payments.list], "
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
        client = system.client()
        client.call("inventory", "load", {"items": [
            {"sku": "tea", "price_cents": 500, "currency": "EUR", "quantity": 1000}]})
        wish = {"customer": "c", "currency": "EUR", "card": "tok", "items": [{"sku": "tea", "quantity": 2}]}
        order = client.call("order_saga", "place", wish, ttl=30000)
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
        self.assertIn("rules.yaml:5:12: capability `inventory` has no operation `reservatons`", said.stderr)

    def test_an_invariant_that_names_what_is_not_there_is_refused_with_its_place(self):
        system = self.system(SHOP, nodes=("n1",))
        rules = system.folder / "wrong.yaml"
        rules.write_text(RULES.read_text().replace("query: reservations", "query: reservatons", 1))
        said = self.reconcile(system, rules=rules, code=FAULTS)
        self.assertRegex(said[0]["at"], r"wrong\.yaml:5:12$")
        self.assertIn("did you mean `reservations`?", said[0]["fault"])


if __name__ == "__main__":
    unittest.main()
