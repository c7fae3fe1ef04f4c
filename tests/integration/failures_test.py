"""What the README promises of what fails, put to the test with real processes. Each class quotes its
promise."""

import signal
import time
import unittest

import harness
from event_systems import await_true
from harness import Process, System, SystemTest
from systems import PATIENT, SHOP, Keeper

ONE_NODE = ("n1",)
# Some kinds of saga_journal (runtime/saga/record.hpp).
DONE, UNDONE, COMPLETED, COMPENSATED = 3, 6, 7, 8


class PoisonMessages(SystemTest):
    """A poison message hurts nobody else."""

    def test_a_throw_fails_one_message(self):
        system = self.system(
            {"faulty": f"{{replicas: 2, {PATIENT}, supervision: "
                       "{max_restarts: 1000, backoff: 1ms..5ms}}"}, nodes=ONE_NODE)
        system.broker()
        system.worker()
        client = system.client()

        ids = {op: [] for op in ("echo", "throw", "ask_throw", "ask_echo")}
        for i in range(200):
            op = {0: "throw", 1: "ask_throw"}.get(i % 20, "ask_echo" if i % 2 else "echo")
            ids[op].append(client.send("faulty", op, {"text": str(i)}))
        answers = client.collect([each for some in ids.values() for each in some])

        self.assertEqual(200, len(answers))
        for op in ("throw", "ask_throw"):
            for each in ids[op]:
                self.assert_code("crashed", answers[each])
                self.assertEqual("none", answers[each].error["effect"])
        for op in ("echo", "ask_echo"):
            self.assertEqual([], [answers[each] for each in ids[op] if not answers[each].ok])
        kept = [row[0] for row in system.rows("faulty", "SELECT call_id FROM texts")]
        self.assertEqual(sorted(ids["echo"]), sorted(kept))

    def test_a_throw_that_is_repeated_costs_the_others_nothing(self):
        # The default settings: five restarts within 10 s, a breaker after five failures in a row.
        system = self.system({"faulty": "{replicas: 1}"}, nodes=ONE_NODE)
        system.broker()
        worker = system.worker()
        client = system.client()
        poison = client.send("faulty", "throw", {"text": "poison"})
        self.assert_code("crashed", client.collect([poison])[poison])

        crashes, until = 1, time.monotonic() + harness.PATIENCE
        while crashes < 8 and time.monotonic() < until:
            repeat = client.call("faulty", "throw", {"text": "poison"}, call_id=poison, ttl=200)
            crashes += repeat.code == "crashed"
            good = client.call("faulty", "echo", {"text": "good"}, ttl=2000)
            self.assertTrue(good.ok, good)
            client.receive(0.01)

        self.assertEqual(8, crashes)
        self.assertEqual([], worker.find("group.down"))
        self.assertEqual([], worker.find("breaker.open"))

    def test_the_fifth_death_of_a_process_convicts_it(self):
        for op in ("crash", "ask_crash"):
            with self.subTest(op):
                self.convict(op)

    def convict(self, op: str) -> None:
        system = self.system({**harness.CAPABILITIES, "faulty": f"{{{PATIENT}}}"})
        broker = system.broker()
        keepers = [Keeper(system, node) for node in system.nodes]
        for each in keepers:
            each.start()
        client = system.client()
        try:
            with self.good_client(system, "notes", "add", ttl=10000) as good:
                poison = client.send("faulty", op, {"text": "boom"}, ttl=30000)
                reply = client.collect([poison], within=30)[poison]
                again = client.call("faulty", op, {"text": "boom"}, call_id=poison)
        finally:
            for each in keepers:
                each.finish()

        codes = [code for each in keepers for code in each.codes]
        self.assert_code("crashed", reply)
        self.assert_code("crashed", again)
        self.assertEqual([-signal.SIGABRT] * 5, codes)
        self.assertEqual(1, len(broker.find("call_convicted", operation=op)))
        self.assertEqual([(0,)], system.rows("faulty", "SELECT COUNT(*) FROM texts"))
        kept = [row[0] for row in system.rows("notes", "SELECT note_id FROM notes")]
        self.assertEqual(sorted(good.answered), sorted(kept))


class FailingActors(SystemTest):
    """A failing actor hurts nobody else."""

    def test_beyond_its_restarts_its_group_is_down_for_a_while_and_others_never_notice(self):
        system = self.system(
            {**harness.CAPABILITIES,
             "faulty": f"{{{PATIENT}, supervision: {{max_restarts: 2, within: 10s, "
                       "backoff: 1ms..2ms, cool_down: 1s}}"}, nodes=ONE_NODE)
        system.broker()
        worker = system.worker()
        client = system.client()

        with self.good_client(system, "notes", "add"):
            for _ in range(3):
                self.assert_code("crashed", client.call("faulty", "throw", {"text": "x"}))
            worker.wait_for("group.down", capability="faulty")
            worker.wait_for("group.up", capability="faulty")
            # Its broker hears of it a moment later.
            await_true(client, "it is served again",
                       lambda: client.call("faulty", "echo", {"text": "again"}).ok)

    def test_a_provider_that_hangs_opens_the_breaker(self):
        system = self.system(
            {**harness.CAPABILITIES,
             "payments": "{effects: {threads: 1, limit: 200ms}, breaker: {threshold: 3}, "
                         "config: {provider: {simulated: {latency: 10m}}}}"}, nodes=ONE_NODE)
        system.broker()
        worker = system.worker()
        client = system.client()

        with self.good_client(system, "notes", "add"):
            for _ in range(3):
                client.send("payments", "charge", {
                    "order_id": harness.new_id(), "amount_cents": 5, "currency": "EUR", "card": "tok"})
            worker.wait_for("breaker.open", capability="payments")
            worker.wait_for("effect.overdue", count=3)
            refused = client.call("payments", "charge", {
                "order_id": harness.new_id(), "amount_cents": 5, "currency": "EUR", "card": "tok"})

        self.assert_code("circuit_open", refused)

    def test_its_breaker_opens_refuses_in_words_and_closes_again(self):
        system = self.system(
            {**harness.CAPABILITIES,
             "faulty": "{breaker: {threshold: 3, timeout: 1s}, supervision: "
                       "{max_restarts: 1000, backoff: 1ms..2ms}}"}, nodes=ONE_NODE)
        system.broker()
        worker = system.worker()
        client = system.client()

        with self.good_client(system, "notes", "add"):
            for _ in range(3):
                self.assert_code("crashed", client.call("faulty", "throw", {"text": "x"}))
            worker.wait_for("breaker.open", capability="faulty")
            refused = client.call("faulty", "echo", {"text": "refused"})
            # The broker learns of it a little later, and says until when it refuses.
            worker.wait_for("breaker.half_open", capability="faulty")
            until = time.monotonic() + harness.PATIENCE
            probe = client.call("faulty", "echo", {"text": "probe"})
            while probe.code == "circuit_open" and time.monotonic() < until:
                client.receive(probe.error["retry_after_ms"] / 1000)
                probe = client.call("faulty", "echo", {"text": "probe"}, call_id=probe.id)
            self.assertTrue(probe.ok, probe)
            worker.wait_for("breaker.closed", capability="faulty")

        self.assert_code("circuit_open", refused)
        self.assertIn("retry_after_ms", refused.error)

    def test_calls_go_to_the_node_where_it_works(self):
        system = self.system(
            {**harness.CAPABILITIES,
             "faulty": f"{{{PATIENT}, config: {{broken_on: n1}}, supervision: "
                       "{max_restarts: 1, within: 10s, backoff: 1ms..2ms, cool_down: 30s}}"})
        system.broker()
        workers = [system.worker(node) for node in system.nodes]
        client = system.client()
        workers[0].wait_for("group.down", capability="faulty")

        with self.good_client(system, "notes", "add"):
            ids = [client.send("faulty", "echo", {"text": str(i)}) for i in range(50)]
            answers = client.collect(ids)

        self.assertEqual(50, len(answers))
        self.assertEqual([], [each for each in answers.values() if not each.ok])


class Sagas(SystemTest):
    """A saga ends: completed, or compensated in reverse order."""

    def shop(self, latency: str = "5ms") -> tuple[System, list[Process]]:
        system = self.system(
            {name: what.replace("5ms", latency) for name, what in SHOP.items()},
            more="limits: {body: 64KiB}")
        system.broker()
        workers = [system.worker(node) for node in system.nodes]
        loaded = system.client().call("inventory", "load", {"items": [
            {"sku": "tea", "price_cents": 500, "currency": "EUR", "quantity": 1000},
            {"sku": "desk", "price_cents": 60000, "currency": "EUR", "quantity": 1000}]})
        self.assertTrue(loaded.ok, loaded)
        return system, workers

    @staticmethod
    def wish(sku: str, quantity: int) -> dict:
        return {"customer": "c", "currency": "EUR", "card": "tok",
                "items": [{"sku": sku, "quantity": quantity}]}

    def test_completed_or_compensated_in_reverse_order(self):
        system, _ = self.shop()
        client = system.client()

        good = client.send("order_saga", "place", self.wish("tea", 2))
        declined = client.send("order_saga", "place", self.wish("desk", 2))
        unknown = client.send("order_saga", "place", self.wish("unicorn", 1))
        answers = client.collect([good, declined, unknown])

        self.assertTrue(answers[good].ok, answers[good])
        self.assertEqual(1000, answers[good].body["total_cents"])
        self.assert_code("rejected", answers[declined])
        self.assertEqual("payment_declined", answers[declined].error["details"]["reason"])
        self.assert_code("rejected", answers[unknown])
        self.assertEqual("unknown_sku", answers[unknown].error["details"]["reason"])
        journal = {each: system.rows(
            "order_saga", "SELECT kind, step FROM saga_journal WHERE saga = ? ORDER BY seq", each)
            for each in (good, declined, unknown)}
        self.assertEqual([(DONE, i) for i in range(4)],
                         [row for row in journal[good] if row[0] == DONE])
        self.assertEqual(COMPLETED, journal[good][-1][0])
        # The charge failed: release the stock (step 1), then cancel the order (step 0).
        self.assertEqual([(UNDONE, 1), (UNDONE, 0)],
                         [row for row in journal[declined] if row[0] == UNDONE])
        self.assertEqual(COMPENSATED, journal[declined][-1][0])
        self.assertEqual(COMPENSATED, journal[unknown][-1][0])
        self.assertEqual([("desk", 1000), ("tea", 998)], system.rows(
            "inventory", "SELECT sku, available FROM stock ORDER BY sku"))

    def test_resumed_by_another_node_within_3_s_of_a_nodes_death(self):
        system, workers = self.shop(latency="200ms")
        client = system.client()

        with self.good_client(system):
            ids = [client.send("order_saga", "place", self.wish("tea", 1), ttl=15000)
                   for _ in range(30)]
            ids += [client.send("order_saga", "place", self.wish("desk", 2), ttl=15000)
                    for _ in range(10)]
            client.receive()
            workers[0].kill()
            died = time.monotonic()
            workers[1].wait_for("store.taken_over", capability="order_saga")
            taken_over = time.monotonic() - died
            answers = client.collect(ids)

        self.assertLess(taken_over, 3.0)
        self.assertEqual(40, len(answers))
        self.assertEqual([], [answers[each] for each in ids[:30] if not answers[each].ok])
        self.assertEqual({"rejected"}, {answers[each].code for each in ids[30:]})
        self.assertEqual([("desk", 1000), ("tea", 970)], system.rows(
            "inventory", "SELECT sku, available FROM stock ORDER BY sku"))
        self.assertEqual([(30,)], system.rows(
            "payments", "SELECT COUNT(*) FROM ledger WHERE kind = 'capture'"))
        self.assertEqual([("cancelled", 10), ("confirmed", 30)], system.rows(
            "orders", "SELECT state, COUNT(*) FROM orders GROUP BY state ORDER BY state"))


class Overload(SystemTest):
    """Overload is refused early and in words."""

    def test_a_thousand_calls_at_once(self):
        system = self.system(
            {**harness.CAPABILITIES, "notes": "{bulkhead: {in_flight: 4, queue: 8}}"},
            nodes=ONE_NODE)
        system.broker()
        system.worker()
        client = system.client()

        with self.good_client(system):
            ids = [client.send("notes", "add", {"text": str(i)}) for i in range(1000)]
            answers = client.collect(ids)

        self.assertEqual(1000, len(answers))
        refused = [each for each in answers.values() if not each.ok]
        self.assertEqual({"overloaded"}, {each.code for each in refused})
        self.assertEqual([], [each for each in refused
                              if each.error.get("retry_after_ms", 0) < 1
                              or each.error["effect"] != "none"])
        kept = [row[0] for row in system.rows("notes", "SELECT note_id FROM notes")]
        self.assertEqual(sorted(each for each in ids if answers[each].ok), sorted(kept))


class Trust(SystemTest):
    """Until there is CURVE, nothing but loopback may be bound."""

    def test_another_address_is_refused(self):
        system = self.system()
        system.endpoints["b1"] = "tcp://0.0.0.0:5550"
        broker = system.run("troupe-broker", "b1", file=system.write("open.yaml"))

        self.assertEqual(2, broker.await_end())
        self.assertIn("loopback", "\n".join(broker.lines))


if __name__ == "__main__":
    unittest.main()
