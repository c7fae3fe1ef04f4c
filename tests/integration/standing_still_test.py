"""What stands still is kept, listed with its reason and moved by a person; and an answer belongs to whoever
asked for it, whatever restarts."""

import contextlib
import json
import sqlite3
import subprocess
import time
import unittest

from harness import BIN, PATIENCE, System, SystemTest, new_id, text_of
from systems import SHOP

OK, REJECTED = 0, 3
PARKED, RESUMED = 9, 10
WISH = {"customer": "c", "currency": "EUR", "card": "tok", "items": [{"sku": "tea", "quantity": 2}]}


class Patient(SystemTest):
    def await_said(self, say) -> object:
        """What `say` gives once it gives something."""
        until = time.monotonic() + PATIENCE
        while not (said := say()):
            self.assertLess(time.monotonic(), until, "it is still not said")
        return said


class StandingStill(Patient):
    def troupe(self, system: System, *words: str, code: int = OK) -> list[dict]:
        """What a command says, as JSON."""
        done = subprocess.run(
            [str(BIN / "troupe"), *words[:2], str(system.file), *words[2:], "--json", "--deadline", "10s"],
            capture_output=True, text=True, timeout=2 * PATIENCE, check=False)
        self.assertEqual(code, done.returncode, done.stdout + done.stderr)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def change(self, system: System, capability: str, statement: str) -> None:
        with contextlib.closing(sqlite3.connect(
                system.data / f"{capability}.db", timeout=PATIENCE, isolation_level=None)) as session:
            session.execute(statement)

    def test_the_result_of_an_effect_is_kept_until_it_can_be_written_down(self):
        system = self.system({"payments": SHOP["payments"]}, nodes=("n1",))
        system.broker()
        worker = system.worker()
        client = system.client()
        self.change(system, "payments", "CREATE TRIGGER bug BEFORE INSERT ON ledger BEGIN"
                                        " SELECT RAISE(ABORT, 'a bug of today'); END")
        body = {"order_id": new_id(), "amount_cents": 100, "currency": "EUR", "card": "x"}
        call = client.send("payments", "charge", body, ttl=30000)

        listed = self.await_said(lambda: self.troupe(system, "effects", "list"))
        self.assertEqual(("payments", "charge_card", text_of(call)),
                         tuple(listed[0][each] for each in ("capability", "effect", "call")))
        self.assertIn("a bug of today", listed[0]["reason"])
        worker.kill()
        system.worker()
        self.await_said(lambda: self.troupe(system, "effects", "list"))
        self.change(system, "payments", "DROP TRIGGER bug")
        with contextlib.suppress(AssertionError):  # By itself it may be settled just now.
            self.troupe(system, "effects", "retry", "payments")

        answer = client.collect([call])[call]
        self.assertTrue(answer.ok, answer)
        self.assertEqual([], self.troupe(system, "effects", "list"))
        self.assertEqual([("charged",)], system.rows("payments", "SELECT state FROM payments"))
        self.troupe(system, "effects", "retry", "payments", code=REJECTED)

    def test_a_parked_saga_is_listed_and_resumed_by_a_person(self):
        system = self.system(
            {name: what.replace("5ms", "1s") for name, what in SHOP.items()},
            more="limits: {body: 64KiB}", nodes=("n1",))
        system.broker()
        system.worker()
        client = system.client()
        client.call("inventory", "load", {"items": [
            {"sku": "tea", "price_cents": 500, "currency": "EUR", "quantity": 1000}]})
        saga = client.send("order_saga", "place", {
            "customer": "c", "currency": "EUR", "card": "tok", "items": [{"sku": "tea", "quantity": 2}]},
            ttl=30000)
        self.await_said(lambda: system.rows("payments", "SELECT 1 FROM payments"))
        cancelled = client.call("orders", "cancel", {"order_id": saga})  # Somebody else does.
        self.assertTrue(cancelled.ok, cancelled)

        listed = self.await_said(lambda: self.troupe(system, "sagas", "list"))
        self.assertEqual((text_of(saga), "order_saga", "parked", "do confirm", False),
                         tuple(listed[0][each] for each in ("id", "capability", "state", "step",
                                                            "maybe_done")))
        self.troupe(system, "sagas", "resume", "order_saga", text_of(saga))
        self.await_said(lambda: system.rows(
            "order_saga", "SELECT 1 FROM saga_journal WHERE kind = ? AND round = 1", PARKED))
        self.assertEqual([(1,)], system.rows(
            "order_saga", "SELECT round FROM saga_journal WHERE kind = ?", RESUMED))
        self.troupe(system, "sagas", "resume", "order_saga", text_of(new_id()), code=REJECTED)


    def test_a_person_lists_holds_turns_back_and_frees_running_sagas_in_bulk(self):
        system = self.system(
            {name: what.replace("5ms", "4s") for name, what in SHOP.items()}, nodes=("n1",))
        system.broker()
        system.worker()
        client = system.client()
        client.call("inventory", "load", {"items": [
            {"sku": "tea", "price_cents": 500, "currency": "EUR", "quantity": 1000}]})
        wish = {"customer": "c", "currency": "EUR", "card": "tok", "items": [{"sku": "tea", "quantity": 2}]}
        sagas = [client.send("order_saga", "place", wish, ttl=60000) for _ in range(4)]
        at_charge = ("--step", "charge", "--state", "forward")
        self.await_said(
            lambda: len(self.troupe(system, "sagas", "list", "order_saga", *at_charge)) == len(sagas))
        self.assertEqual([], self.troupe(system, "sagas", "list", *at_charge, "--older", "1h"))

        meant = self.troupe(
            system, "sagas", "pause", "order_saga", *at_charge, "--reason", "an audit", "--dry-run")
        self.assertEqual({text_of(each) for each in sagas}, {each["id"] for each in meant})
        self.assertEqual([], system.rows("order_saga", "SELECT 1 FROM saga_journal WHERE kind = 11"))
        held = self.troupe(system, "sagas", "pause", "order_saga", *at_charge, "--reason", "an audit")
        self.assertEqual(["paused"] * 4, [each["state"] for each in held])
        again = self.troupe(
            system, "sagas", "pause", "order_saga", text_of(sagas[0]), "--reason", "me too", code=REJECTED)
        self.assertIn("stands still already", again[0]["error"]["message"])
        self.troupe(system, "sagas", "skip", "order_saga", text_of(sagas[0]), "--step", "charge",
                    "--reason", "no", code=REJECTED)

        back = self.troupe(system, "sagas", "compensate", "order_saga", text_of(sagas[0]), "--reason", "fraud")
        self.assertEqual("undoing", back[0]["state"])
        freed = self.troupe(system, "sagas", "resume", "order_saga", "--all")
        self.assertEqual(3, len(freed))
        answers = client.collect(sagas)
        self.assertEqual([False, True, True, True], [answers[each].ok for each in sagas])
        self.assert_code("rejected", answers[sagas[0]])

        shown = self.troupe(system, "saga", "show", text_of(sagas[0]))[0]
        self.assertEqual("compensated", shown["state"])
        orders = [each["note"] for each in shown["records"] if each["what"] == "ordered"]
        self.assertRegex(orders[0], "^pause by .*@.*: an audit$")
        self.assertRegex(orders[1], "^compensate by .*@.*: fraud$")
        self.assertEqual(wish["card"], shown["records"][0]["body"]["card"])
        charge = next(each for each in shown["records"] if each["step"] == "charge")
        self.assertEqual(1000, charge["body"]["amount_cents"])
        self.troupe(system, "saga", "show", text_of(new_id()), code=REJECTED)

        drawn = subprocess.run([str(BIN / "troupe"), "saga", "graph", "place"],
                               capture_output=True, text=True, timeout=PATIENCE, check=True).stdout
        self.assertIn('s2{{"charge<br/>payments.charge<br/>pivot"}}', drawn)

    def test_a_person_parks_running_sagas_by_their_age_and_has_the_step_retried(self):
        system = self.system(
            {name: what.replace("5ms", "4s") for name, what in SHOP.items()}, nodes=("n1",))
        system.broker()
        system.worker()
        client = system.client()
        self.load(client)
        sagas = [client.send("order_saga", "place", WISH, ttl=60000) for _ in range(2)]
        old = ("--step", "charge", "--state", "forward", "--older", "1ms")
        self.await_said(lambda: len(self.troupe(system, "sagas", "list", "order_saga", *old)) == len(sagas))
        self.assertEqual([], self.troupe(
            system, "sagas", "park", "order_saga", *old[:-1], "1h", "--reason", "an audit"))

        parked = self.troupe(system, "sagas", "park", "order_saga", *old, "--reason", "an audit")

        self.assertEqual(["parked"] * 2, [each["state"] for each in parked])
        listed = self.troupe(system, "sagas", "list")
        self.assertEqual([("parked", "do charge")] * 2, [(each["state"], each["step"]) for each in listed])
        for each in listed:
            self.assertIn("an audit", each["reason"])
            self.assertIn("charge", each["effects"])
        retried = self.troupe(system, "sagas", "retry", "order_saga", "--state", "parked", "--reason", "it is fine")
        self.assertEqual({text_of(each) for each in sagas}, {each["id"] for each in retried})
        answers = client.collect(sagas)
        self.assertEqual([True, True], [answers[each].ok for each in sagas])
        orders = self.orders_in(system, sagas[0])
        self.assertRegex(orders[0], "^park by .*@.*: an audit$")
        self.assertRegex(orders[1], "^retry by .*@.*: it is fine$")

    # The node of `orders` comes too late: its steps are done by hand.
    def test_a_saga_whose_steps_a_person_does_by_hand_ends_and_is_told_to_need_one_meanwhile(self):
        placed = {"orders": "{nodes: [n2]}", "order_saga": "{nodes: [n1], config: {place: {person_after: 200ms}}}"}
        system = self.system(
            {name: placed.get(name, what.replace("{", "{nodes: [n1], ", 1)) for name, what in SHOP.items()})
        system.broker()
        system.worker("n1")
        client = system.client()
        self.load(client)
        saga = client.send("order_saga", "place", WISH, ttl=60000)
        self.await_said(lambda: self.troupe(
            system, "sagas", "list", "order_saga", "--state", "forward", "--step", "create"))

        self.troupe(system, "sagas", "skip", "order_saga", text_of(saga), "--step", "create", "--reason", "by hand")
        need = self.await_said(lambda: self.need_of(system))

        self.assertEqual("1 saga of order_saga needs a person", need["what"])
        self.assertRegex(
            need["why"], f"^saga {text_of(saga)}: `do confirm` fails since .*; effects that stand: .*charge")
        self.assertIn(f"`troupe sagas retry {system.file} order_saga --state needs_person --reason TEXT`", need["next"])
        listed = subprocess.run([str(BIN / "troupe"), "sagas", "list", str(system.file), "order_saga"],
                                capture_output=True, text=True, timeout=2 * PATIENCE, check=True)
        self.assertIn(f"`troupe sagas retry {system.file} CAPABILITY ID --reason TEXT`", listed.stdout + listed.stderr)
        resumed = self.troupe(system, "sagas", "resume", "order_saga", text_of(saga), code=REJECTED)
        self.assertIn("does not wait for a person", resumed[0]["error"]["message"])
        refused = self.troupe(system, "sagas", "skip", "order_saga", text_of(saga), "--step", "confirm",
                              "--reason", "by hand", code=REJECTED)
        self.assertIn("vouch", refused[0]["error"]["message"])
        self.troupe(system, "sagas", "skip", "order_saga", text_of(saga), "--step", "confirm", "--done",
                    "--reason", "by hand")
        answer = client.collect([saga])[saga]
        self.assertTrue(answer.ok, answer)
        self.assertEqual(1000, answer.body["total_cents"])
        system.worker("n2")  # It is asked for the history, too.
        orders = self.orders_in(system, saga)
        self.assertRegex(orders[0], "^skip by ")
        self.assertRegex(orders[1], r"^skip \(vouched\) by ")

    @staticmethod
    def load(client) -> None:
        client.call("inventory", "load", {"items": [
            {"sku": "tea", "price_cents": 500, "currency": "EUR", "quantity": 1000}]})

    def orders_in(self, system: System, saga: bytes) -> list[str]:
        """The orders of persons in a saga's journal."""
        shown = self.troupe(system, "saga", "show", text_of(saga))[0]
        self.assertEqual("completed", shown["state"])
        return [each["note"] for each in shown["records"] if each["what"] == "ordered"]

    @staticmethod
    def need_of(system: System) -> dict | None:
        """The trouble of `troupe status` that sagas need a person."""
        told = subprocess.run([str(BIN / "troupe"), "status", str(system.file), "--json"],
                              capture_output=True, text=True, timeout=2 * PATIENCE, check=False).stdout
        return next((each for each in json.loads(told)["troubles"] if "a person" in each["what"]), None)


class Answers(Patient):
    def test_a_call_in_hand_answers_nobody_who_uses_its_id_for_something_else(self):
        system = self.system(nodes=("n1",))
        broker = system.broker()
        worker = system.worker()
        mine = system.client()
        self.assertTrue(mine.call("notes", "count").ok)
        with contextlib.closing(sqlite3.connect(
                system.data / "notes.db", timeout=PATIENCE, isolation_level=None)) as session:
            session.execute("BEGIN IMMEDIATE")
            held = mine.send("notes", "add", {"text": "mine"}, ttl=20000)
            self.await_said(lambda: self.in_hand(mine) >= 1)
            broker.kill()
            system.broker()
            worker.wait_for("broker.joined", count=2)
            others = system.client()

            foreign = others.call("echo", "echo", {"payload": "x"}, call_id=held)
            repeat = system.client()
            repeat.send("notes", "add", {"text": "mine"}, call_id=held, ttl=20000)
            session.execute("ROLLBACK")

        self.assert_code("conflict", foreign)
        answer = repeat.receive()
        self.assertTrue(answer is not None and answer.ok, answer)

    def test_an_answer_given_between_hello_and_welcome_is_not_lost_and_its_credit_comes_back(self):
        system = self.system({"notes": "{replicas: 1, bulkhead: {in_flight: 1, queue: 4}}"}, nodes=("n1",))
        broker = system.broker()
        worker = system.worker()
        client = system.client()
        self.assertTrue(client.call("notes", "count").ok)
        with contextlib.closing(sqlite3.connect(
                system.data / "notes.db", timeout=PATIENCE, isolation_level=None)) as session:
            session.execute("BEGIN IMMEDIATE")
            held = client.send("notes", "add", {"text": "mine"}, ttl=20000)
            self.await_said(lambda: self.in_hand(client) >= 1)
            broker.kill()
            broker = system.run("troupe-broker", "b1", faults="broker.before_welcome=stop")
            broker.await_frozen()  # HELLO has named the call, which is answered only now.
            session.execute("ROLLBACK")
            self.await_said(lambda: system.rows("notes", "SELECT 1 FROM inbox WHERE id = ?", held))
        broker.thaw()
        worker.wait_for("broker.joined", count=2)

        again = system.client()
        answer = again.call("notes", "add", {"text": "mine"}, call_id=held, ttl=5000)

        self.assertTrue(answer.ok, answer)
        self.assertTrue(again.call("notes", "add", {"text": "more"}, ttl=5000).ok)

    @staticmethod
    def in_hand(client) -> int:
        groups = client.call("troupe.node.n1", "status").body["groups"]
        return next(each["in_hand"] for each in groups if each["capability"] == "notes")


if __name__ == "__main__":
    unittest.main()
