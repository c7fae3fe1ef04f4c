"""What the README promises of calls and of what they do, put to the test with real processes. Each
class quotes its promise."""

import collections
import json
import signal
import subprocess
import time
import unittest

import harness
from harness import System, SystemTest, new_id
from systems import SHOP, resend_until_answered

ONE_NODE = ("n1",)


class CallsEnd(SystemTest):
    """A call ends by its deadline with one reply or one typed error."""

    def assert_ended_by(self, client, call_id: bytes, ttl: float) -> None:
        began = time.monotonic()
        reply = client.collect([call_id])[call_id]
        self.assert_code("deadline_exceeded", reply)
        # What the machine's other work may add to it.
        self.assertLess(time.monotonic() - began, ttl + 1.0)
        # One answer, not two: what is asked next is what is answered next.
        self.assertTrue(client.call("troupe.broker", "ping").ok)
        self.assertEqual(1, len(client.answers[call_id]))

    def test_without_any_worker(self):
        system = self.system(nodes=ONE_NODE)
        system.broker()
        client = system.client()

        call_id = client.send("echo", "echo", {"payload": "?"}, ttl=300)

        self.assert_ended_by(client, call_id, 0.3)
        self.assertEqual("none", client.answers[call_id][0].error["effect"])

    def test_and_the_caller_hears_that_it_was_not_begun(self):
        system = self.system(nodes=ONE_NODE)
        system.broker()

        heard = []
        while "none" not in heard and len(heard) < 5:  # On a crowded machine the word may be late.
            done = subprocess.run(
                [str(harness.BIN / "troupe"), "call", str(system.file), "echo.echo",
                 '{"payload": "?"}', "--deadline", "500ms", "--json"],
                capture_output=True, text=True, timeout=harness.PATIENCE, check=False)
            error = json.loads(done.stdout)["error"]
            self.assertEqual("deadline_exceeded", error["code"])
            heard.append(error["effect"])

        self.assertIn("none", heard)

    def test_when_the_worker_stands_still_and_work_whose_time_is_up_is_not_started(self):
        system = self.system(nodes=ONE_NODE)
        system.broker()
        worker = system.worker()
        client = system.client()
        self.assertTrue(client.call("notes", "add", {"text": "before"}).ok)

        worker.freeze()
        # Longer than the heartbeat's timeout: when it wakes it knows that what it finds is old.
        call_id = client.send("notes", "add", {"text": "too late"}, ttl=1500)

        self.assert_ended_by(client, call_id, 1.5)
        worker.thaw()
        self.assertTrue(client.call("notes", "add", {"text": "after"}).ok)
        self.assertEqual(
            [("after",), ("before",)], system.rows("notes", "SELECT text FROM notes ORDER BY text"))

    def test_when_the_worker_stood_still_for_a_moment_and_knows_what_it_missed(self):
        system = self.system(nodes=ONE_NODE)
        system.broker()
        worker = system.worker()
        client = system.client()
        self.assertTrue(client.call("notes", "add", {"text": "before"}).ok)

        worker.freeze()
        # Shorter than the heartbeat's timeout: to the broker it was never gone.
        began = time.monotonic()
        late = client.send("notes", "add", {"text": "too late"}, ttl=500)
        good = client.send("notes", "add", {"text": "in time"}, ttl=15000)
        self.assert_code("deadline_exceeded", client.collect([late])[late])
        stood = time.monotonic() - began
        worker.thaw()

        self.assertTrue(client.collect([good])[good].ok)
        # What comes after is no longer taken for old.
        self.assertTrue(client.call("notes", "add", {"text": "after"}, ttl=450).ok)
        self.assertEqual(
            [("after",), ("before",), ("in time",)],
            system.rows("notes", "SELECT text FROM notes ORDER BY text"))
        if stood < 0.7:
            self.assertEqual([], worker.find("broker.lost"))

    def test_when_the_broker_stood_still_and_knows_what_it_missed(self):
        system = self.system(nodes=ONE_NODE)
        broker = system.broker()
        system.worker()
        client = system.client()
        # Shorter than the heartbeat's timeout, and longer.
        for stood in (0.5, 1.3):
            self.assertTrue(client.call("notes", "add", {"text": "before"}, ttl=15000).ok)

            broker.freeze()
            late = [client.send("notes", "add", {"text": "too late"}, ttl=300) for _ in range(200)]
            late.append(client.send("troupe.publish", "note.taken", {"text": "too late"}, ttl=300))
            self.assertIsNone(client.receive(stood))
            broker.thaw()

            # After the longer one, what was received meanwhile is dropped unanswered.
            for reply in client.collect(late, within=1.0).values():
                self.assert_code("deadline_exceeded", reply)
            # What comes after is no longer taken for old.
            until = time.monotonic() + harness.PATIENCE
            while not client.call("notes", "add", {"text": "after"}, ttl=250).ok:
                self.assertLess(time.monotonic(), until)
        self.assertEqual(
            [], system.rows("notes", "SELECT text FROM notes WHERE text = 'too late'"))

    def test_when_its_time_is_up_before_it_is_sent(self):
        system = self.system(nodes=ONE_NODE)
        system.broker()

        reply = system.client().call("echo", "echo", {"payload": "?"}, ttl=0)

        self.assert_code("deadline_exceeded", reply)
        self.assertEqual("none", reply.error["effect"])

    def test_when_the_queue_is_full(self):
        system = self.system(
            {"notes": "{bulkhead: {in_flight: 1, queue: 4}}"}, nodes=ONE_NODE)
        system.broker()
        client = system.client()

        ids = [client.send("notes", "add", {"text": "x"}, ttl=400) for _ in range(10)]
        codes = collections.Counter(each.code for each in client.collect(ids).values())

        self.assertEqual({"overloaded": 6, "deadline_exceeded": 4}, codes)


class AWorkerDies(SystemTest):
    """Killing a worker loses no call that still has time left."""

    def assert_all_done_once(self, system: System, ids: list[bytes], answers: dict) -> None:
        self.assertEqual(len(ids), len(answers), "some calls were not answered")
        self.assertEqual([], [each for each in answers.values() if not each.ok])
        kept = [row[0] for row in system.rows("notes", "SELECT note_id FROM notes")]
        self.assertEqual(sorted(ids), sorted(kept))

    def test_with_another_one_alive(self):
        system = self.system()
        system.broker()
        worker, _ = system.worker("n1"), system.worker("n2")
        client = system.client()

        with self.good_client(system):
            ids = [client.send("notes", "add", {"text": str(i)}) for i in range(200)]
            client.receive()
            worker.kill()
            answers = client.collect(ids)

        self.assert_all_done_once(system, ids, answers)

    def test_with_none_left_until_it_is_started_again(self):
        system = self.system(nodes=ONE_NODE)
        system.broker()
        worker = system.worker()
        client = system.client()

        ids = [client.send("notes", "add", {"text": str(i)}, ttl=15000) for i in range(200)]
        client.receive()
        worker.kill()
        system.worker()

        self.assert_all_done_once(system, ids, client.collect(ids))

    def test_without_a_word_when_its_machine_stalls(self):
        # Stopped outside a turn: noticed within about a second, and what it had is done by another.
        # When it wakes it logs in anew, and nothing is done twice.
        system = self.system()
        broker = system.broker()
        worker, _ = system.worker("n1"), system.worker("n2")
        client = system.client()

        with self.good_client(system):
            client.call("notes", "add", {"text": "warm"})
            worker.freeze()
            ids = [client.send("notes", "add", {"text": str(i)}) for i in range(50)]
            began = time.monotonic()
            lost = broker.wait_for("worker_lost", node="n1")
            noticed = time.monotonic() - began
            answers = client.collect(ids)
            worker.thaw()
            broker.wait_for("worker_joined", node="n1", count=2)

        self.assertTrue(lost)
        self.assertLess(noticed, 3.0)
        self.assertEqual(50, len(answers))
        self.assertEqual([], [each for each in answers.values() if not each.ok])
        self.assertEqual([(51,)], system.rows("notes", "SELECT COUNT(*) FROM notes"))


class ABrokerDies(SystemTest):
    """Killing a broker: calls retried under their id succeed once it is back."""

    def test_calls_retried_under_their_id_succeed_once_it_is_back(self):
        system = self.system()
        broker = system.broker()
        for node in system.nodes:
            system.worker(node)
        client = system.client()

        calls = {new_id(): ("notes", "add", {"text": str(i)}) for i in range(200)}
        for call_id, (to, op, body) in calls.items():
            client.send(to, op, body, call_id=call_id)
        client.receive()
        broker.kill()
        system.broker()
        answers = resend_until_answered(client, calls)

        self.assertEqual(200, len(answers))
        self.assertEqual([(200,)], system.rows("notes", "SELECT COUNT(*) FROM notes"))


    def test_when_it_stands_still(self):
        system = self.system()
        broker = system.broker()
        workers = [system.worker(node) for node in system.nodes]
        client = system.client()

        calls = {new_id(): ("notes", "add", {"text": str(i)}) for i in range(200)}
        for call_id, (to, op, body) in calls.items():
            client.send(to, op, body, call_id=call_id)
        client.receive()
        broker.freeze()
        for each in workers:
            each.wait_for("broker.lost")
        broker.thaw()
        answers = resend_until_answered(client, calls)

        self.assertEqual(200, len(answers))
        self.assertEqual([(200,)], system.rows("notes", "SELECT COUNT(*) FROM notes"))

    def test_when_everything_dies_at_once(self):
        system = self.system()
        processes = [system.broker(), *(system.worker(node) for node in system.nodes)]
        client = system.client()

        calls = {new_id(): ("notes", "add", {"text": str(i)}) for i in range(200)}
        for call_id, (to, op, body) in calls.items():
            client.send(to, op, body, call_id=call_id)
        client.receive()
        for each in processes:
            each.kill()
        system.worker("n2", joined=False)
        system.broker()
        system.worker("n1")
        answers = resend_until_answered(client, calls)

        self.assertEqual(200, len(answers))
        self.assertEqual([(200,)], system.rows("notes", "SELECT COUNT(*) FROM notes"))

    def test_with_another_one_alive(self):
        system = self.system(brokers=("b1", "b2"))
        first, _ = system.broker("b1"), system.broker("b2")
        workers = [system.worker(node) for node in system.nodes]

        with self.good_client(system, "notes", "add", broker="b2") as good:
            first.kill()
            good.await_answers(50)
            workers[0].kill()
            good.await_answers(50)

        kept = [row[0] for row in system.rows("notes", "SELECT note_id FROM notes")]
        self.assertEqual(sorted(good.answered), sorted(kept))


class EffectsInside(SystemTest):
    """Effects inside a capability's database happen exactly once."""

    def test_when_one_call_is_sent_fifty_times_at_once(self):
        system = self.system()
        system.broker()
        workers = [system.worker(node) for node in system.nodes]
        clients = [system.client() for _ in range(5)]
        call_id = new_id()

        for _ in range(10):
            for each in clients:
                each.send("notes", "add", {"text": "one"}, call_id=call_id)
        first = [each.collect([call_id])[call_id] for each in clients]
        workers[0].kill()
        again = [each.call("notes", "add", {"text": "one"}, call_id=call_id) for each in clients]

        self.assertEqual([], [each for each in first + again if not each.ok])
        self.assertEqual({call_id}, {each.body["note_id"] for each in first + again})
        self.assertEqual([(1,)], system.rows("notes", "SELECT COUNT(*) FROM notes"))

    def test_when_one_call_is_sent_over_two_brokers(self):
        system = self.system(brokers=("b1", "b2"))
        for each in ("b1", "b2"):
            system.broker(each)
        for node in system.nodes:
            system.worker(node)
        clients = [system.client("b1"), system.client("b2")]

        ids = [new_id() for _ in range(100)]
        for call_id in ids:
            for each in clients:
                each.send("notes", "add", {"text": "one"}, call_id=call_id)
        answers = [reply for each in clients for reply in each.collect(ids).values()]

        self.assertEqual(200, len(answers))
        self.assertEqual([], [each for each in answers if not each.ok])
        kept = [row[0] for row in system.rows("notes", "SELECT note_id FROM notes")]
        self.assertEqual(sorted(ids), sorted(kept))

    def test_when_the_worker_stalls_after_its_commit_and_wakes_again(self):
        for point in ("turn.before_replies", "worker.replies_sent"):
            with self.subTest(point):
                system = self.system()
                broker = system.broker()
                stalled = system.worker("n1", faults=f"{point}=stop@3")
                system.worker("n2")

                with self.good_client(system, "notes", "add", window=16) as good:
                    broker.wait_for("worker_lost", node="n1")
                    stalled.thaw()
                    broker.wait_for("worker_joined", node="n1", count=2)
                    good.await_answers(50)

                kept = [row[0] for row in system.rows("notes", "SELECT note_id FROM notes")]
                self.assertEqual(sorted(good.answered), sorted(kept))

    def test_an_id_that_comes_back_with_another_body_is_a_conflict(self):
        system = self.system(nodes=ONE_NODE)
        system.broker()
        system.worker()
        client = system.client()

        call_id = client.send("notes", "add", {"text": "one"})
        client.collect([call_id])

        self.assert_code("conflict", client.call("notes", "add", {"text": "two"}, call_id=call_id))
        self.assertEqual([("one",)], system.rows("notes", "SELECT text FROM notes"))

    def test_at_whichever_point_the_worker_dies(self):
        system = self.system(nodes=ONE_NODE)
        system.broker()
        client = system.client()
        ids: list[bytes] = []
        for point in ("turn.before_handler", "turn.after_handler", "turn.before_commit",
                      "turn.committed", "turn.before_replies", "worker.replies_sent"):
            with self.subTest(point):
                doomed = system.worker(faults=f"{point}=kill")
                these = [client.send("notes", "add", {"text": point}, ttl=15000)
                         for _ in range(5)]
                self.assertEqual(-signal.SIGKILL, doomed.await_end())
                healthy = system.worker()
                answers = client.collect(these)
                healthy.kill()

                self.assertEqual([], [each for each in answers.values() if not each.ok])
                self.assertEqual(5, len(answers))
                ids += these
        kept = [row[0] for row in system.rows("notes", "SELECT note_id FROM notes")]
        self.assertEqual(sorted(ids), sorted(kept))


class WithoutADatabase(SystemTest):
    """A capability without a database gets at-least-once delivery."""

    def test_when_the_worker_dies_before_its_handler_runs(self):
        system = self.system(nodes=ONE_NODE)
        system.broker()
        client = system.client()
        doomed = system.worker(faults="storeless.before_handler=kill@3")

        ids = [client.send("echo", "say", {"payload": "once more"}, ttl=15000) for _ in range(20)]
        self.assertEqual(-signal.SIGKILL, doomed.await_end())
        system.worker()
        answers = client.collect(ids)

        self.assertEqual(20, len(answers))
        self.assertEqual([], [each for each in answers.values() if not each.ok])


class EffectsOutside(SystemTest):
    """Effects outside happen at least once under one stable key."""

    def test_at_whichever_point_the_worker_dies(self):
        system = self.system({"payments": SHOP["payments"]}, nodes=ONE_NODE)
        system.broker()
        client = system.client()
        for point, captures in (("effect.before_run", 1), ("effect.after_run", 2),
                                ("effect.before_settle", 2)):
            with self.subTest(point):
                order = new_id()
                doomed = system.worker(faults=f"{point}=kill")
                call_id = client.send("payments", "charge", {
                    "order_id": order, "amount_cents": 500, "currency": "EUR", "card": "tok"},
                    ttl=15000)
                self.assertEqual(-signal.SIGKILL, doomed.await_end())
                healthy = system.worker()
                reply = client.collect([call_id])[call_id]
                healthy.kill()

                self.assertTrue(reply.ok, reply)
                log = (system.data / "provider.log").read_text().splitlines()
                lines = [each.split() for each in log if harness.text_of(order) in each]
                self.assertEqual(captures, len(lines), lines)
                self.assertEqual({harness.text_of(call_id)}, {each[0] for each in lines})
                self.assertEqual([("capture", 500)], system.rows(
                    "payments", "SELECT kind, amount_cents FROM ledger WHERE order_id = ?", order))

    def test_once_while_each_of_two_brokers_lists_another_worker(self):
        """As in a rolling change of the topology: a broker takes those alone that read its version."""
        system = self.system(
            {"payments": "{replicas: 2, config: {provider: {simulated: {decline_over: 100000, "
                         "latency: 2500ms, log: data/provider.log}}}}"}, brokers=("b1", "b2"))
        changed = system.write("changed.yaml", "# A comment.")
        system.broker("b1")
        system.broker("b2", file=changed)
        workers = [system.worker("n1", joined=False),
                   system.worker("n2", joined=False, file=changed)]
        for each in workers:
            each.wait_for("broker.joined")

        reply = system.client("b1").call("payments", "charge", {
            "order_id": new_id(), "amount_cents": 500, "currency": "EUR", "card": "tok"}, ttl=15000)

        self.assertTrue(reply.ok, reply)
        self.assertEqual([], [found for each in workers for found in each.find("store.fenced")])
        self.assertEqual(1, len((system.data / "provider.log").read_text().splitlines()))


if __name__ == "__main__":
    unittest.main()
