"""SIGTERM under load: what is in hand is finished, no call is lost, and the process ends well and in
time."""

import os
import signal
import time
import unittest

from harness import SystemTest, new_id
from systems import SHOP, resend_until_answered

# The worker's own limit is ten seconds; nothing here takes a tenth of that.
DRAINED_WITHIN = 8.0


class Drain(SystemTest):
    def stop(self, process) -> None:
        began = time.monotonic()
        process.signal(signal.SIGTERM)
        self.assertEqual(0, process.await_end())
        self.assertLess(time.monotonic() - began, DRAINED_WITHIN)

    def test_a_worker_while_another_goes_on(self):
        system = self.system()
        system.broker()
        workers = [system.worker(node) for node in system.nodes]

        with self.good_client(system), self.good_client(system, "notes", "add", window=64) as good:
            good.await_answers(200)
            self.stop(workers[0])
            good.await_answers(200)

        kept = [row[0] for row in system.rows("notes", "SELECT note_id FROM notes")]
        self.assertEqual(sorted(good.answered), sorted(kept))
        self.assertEqual("0", workers[0].wait_for("worker.drained")["left"])

    def test_the_only_worker_and_its_calls_wait_for_the_next(self):
        system = self.system(nodes=("n1",))
        system.broker()
        worker = system.worker()
        client = system.client()

        ids = [client.send("notes", "add", {"text": str(i)}, ttl=15000) for i in range(300)]
        client.receive()
        self.stop(worker)
        system.worker()
        answers = client.collect(ids)

        self.assertEqual(300, len(answers))
        self.assertEqual([], [each for each in answers.values() if not each.ok])
        kept = [row[0] for row in system.rows("notes", "SELECT note_id FROM notes")]
        self.assertEqual(sorted(ids), sorted(kept))

    def test_a_worker_with_effects_and_sagas_under_way(self):
        system = self.system(
            {name: what.replace("5ms", "100ms") for name, what in SHOP.items()},
            more="limits: {body: 64KiB}")
        system.broker()
        workers = [system.worker(node) for node in system.nodes]
        client = system.client()
        client.call("inventory", "load", {"items": [
            {"sku": "tea", "price_cents": 500, "currency": "EUR", "quantity": 1000}]})

        wish = {"customer": "c", "currency": "EUR", "card": "tok",
                "items": [{"sku": "tea", "quantity": 1}]}
        ids = [client.send("order_saga", "place", wish, ttl=15000) for _ in range(50)]
        client.receive()
        self.stop(workers[0])
        answers = client.collect(ids)

        self.assertEqual(50, len(answers))
        self.assertEqual([], [each for each in answers.values() if not each.ok])
        self.assertEqual([(50,)], system.rows("payments", "SELECT COUNT(*) FROM ledger"))

    def test_the_only_worker_finishes_effects_that_calls_wait_for(self):
        system = self.system({"payments": (
            "{replicas: 1, effects: {threads: 1}, config: {provider: {simulated: "
            "{latency: 300ms, log: data/provider.log}}}}")}, nodes=("n1",))
        system.broker()
        worker = system.worker()
        # The provider says what it does into a pipe, and takes its time then.
        path = system.data / "provider.log"
        os.mkfifo(path)
        with open(os.open(path, os.O_RDWR), encoding="utf-8") as provider:
            client = system.client()
            ids = [client.send("payments", "charge", {
                "order_id": new_id(), "amount_cents": 500, "currency": "EUR", "card": "tok"},
                ttl=8000) for _ in range(3)]
            keys = [provider.readline().split()[0]]  # One is under way, two have not begun.
            self.stop(worker)
            answers = client.collect(ids)

            self.assertEqual([], [each for each in answers.values() if not each.ok])
            self.assertEqual(3, len(answers))
            self.assertEqual("0", worker.wait_for("worker.drained")["left"])
            # The next one asks the provider for nothing that was done.
            system.worker()
            self.assertTrue(client.call("payments", "charge", {
                "order_id": new_id(), "amount_cents": 500, "currency": "EUR", "card": "tok"}).ok)
            keys += [provider.readline().split()[0] for _ in range(3)]
            self.assertEqual(4, len(set(keys)))
            self.assertEqual([(4,)], system.rows("payments", "SELECT COUNT(*) FROM ledger"))
            self.assertEqual([(0,)], system.rows("payments", "SELECT COUNT(*) FROM effects"))

    def test_a_broker_answers_what_it_has_and_refuses_more_until_the_next_is_there(self):
        system = self.system()
        broker = system.broker()
        for node in system.nodes:
            system.worker(node)
        client = system.client()

        calls = {new_id(): ("notes", "add", {"text": str(i)}) for i in range(300)}
        for call_id, (to, op, body) in calls.items():
            client.send(to, op, body, call_id=call_id)
        client.receive()
        self.stop(broker)
        system.broker()
        answers = resend_until_answered(client, calls)

        refused = [each[0] for each in client.answers.values() if not each[0].ok]
        self.assertEqual(set(), {each.code for each in refused} - {"unavailable"})
        self.assertEqual(300, len(answers))
        self.assertEqual([(300,)], system.rows("notes", "SELECT COUNT(*) FROM notes"))


if __name__ == "__main__":
    unittest.main()
