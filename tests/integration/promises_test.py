"""The promises of the README, each put to the test with real processes. A test's name says which
promise; its first line of text quotes it."""

import collections
import signal
import threading
import time
import unittest

import harness
from harness import PATIENCE, Load, Process, System, SystemTest, new_id

ONE_NODE = ("n1",)
SHOP = {
    "inventory": "{replicas: 2}",
    "payments": "{replicas: 2, effects: {threads: 16}, config: {provider: {simulated: "
                "{decline_over: 100000, latency: 5ms, log: data/provider.log}}}}",
    "orders": "{replicas: 2}",
    "order_saga": "{replicas: 2}",
    "echo": "{actor: echo, replicas: 2, store: none}",
}
# A breaker that does not open: the test is of something else.
PATIENT = "breaker: {threshold: 100000}"
# The kinds of saga_journal (runtime/saga/record.hpp).
STARTED, INTENT, DONE, FAILED, UNDO_INTENT, UNDONE, COMPLETED, COMPENSATED = range(1, 9)


class Keeper(threading.Thread):
    """Starts a worker again whenever it ends, as `troupe up` does."""

    def __init__(self, system: System, node: str, **first_life: object):
        super().__init__(daemon=True)
        self._system, self._node = system, node
        self._over = threading.Event()
        self.codes: list[int] = []
        self.process: Process = system.worker(node, **first_life)

    def run(self) -> None:
        while True:
            code = self.process.child.wait()
            if self._over.is_set() and code == -signal.SIGKILL:
                return
            self.codes.append(code)
            if self._over.is_set():
                return
            self.process = self._system.worker(self._node, joined=False)
            if self._over.is_set():
                self.process.child.kill()

    def finish(self) -> None:
        """Afterwards `codes` is how each of its processes ended, but for the one killed here."""
        self._over.set()
        self.process.child.kill()
        self.join(PATIENCE)


def resend_until_answered(client, calls: dict[bytes, tuple], within: float = PATIENCE) -> dict:
    """Sends each unanswered call again, under its id, whenever half a second brings nothing."""
    until = time.monotonic() + within
    answers: dict = {}
    while len(answers) < len(calls) and time.monotonic() < until:
        reply = client.receive(0.5)
        if reply is None:
            for call_id, (to, op, body) in calls.items():
                if call_id not in answers:
                    client.send(to, op, body, call_id=call_id, ttl=5000)
        elif reply.ok and reply.id in calls:
            answers[reply.id] = reply
    return answers


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

    def test_when_the_worker_stands_still_and_work_whose_time_is_up_is_not_started(self):
        system = self.system(nodes=ONE_NODE)
        broker = system.broker()
        worker = system.worker()
        client = system.client()
        self.assertTrue(client.call("notes", "add", {"text": "before"}).ok)

        worker.freeze()
        call_id = client.send("notes", "add", {"text": "too late"}, ttl=300)

        self.assert_ended_by(client, call_id, 0.3)
        # From then on it knows, when it wakes, that what it finds in its hands is old.
        broker.wait_for("worker_lost", node="n1")
        worker.thaw()
        self.assertTrue(client.call("notes", "add", {"text": "after"}).ok)
        self.assertEqual(
            [("after",), ("before",)], system.rows("notes", "SELECT text FROM notes ORDER BY text"))

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

    def test_the_third_death_of_a_process_convicts_it(self):
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
        self.assertEqual([-signal.SIGABRT] * 3, codes)
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
            self.assertTrue(client.call("faulty", "echo", {"text": "again"}).ok)

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
            worker.wait_for("breaker.half_open", capability="faulty")
            probe = client.call("faulty", "echo", {"text": "probe"})
            worker.wait_for("breaker.closed", capability="faulty")

        self.assert_code("circuit_open", refused)
        self.assertIn("retry_after_ms", refused.error)
        self.assertTrue(probe.ok, probe)

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
