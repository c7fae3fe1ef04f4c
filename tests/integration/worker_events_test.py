"""A worker and the broker that keeps the journal, which is played here word by word: assignments, events,
burials, and the outbox (runtime/wire/FORMAT.md section 11)."""

import os
import signal
import unittest

from harness import System, SystemTest, new_id
from played_broker import PlayedBroker

JOURNAL = b"\x07" * 16
KEY = "k"


class Broker(PlayedBroker):
    """One that keeps the journal of a worker's events."""

    def assign(self, epoch: int) -> dict:
        self.send("assign", {
            "capability": "witness", "journal": JOURNAL, "epoch": epoch,
            "partitions": [{"partition": i, "position": 0} for i in range(64)]})
        return self.wait_for("assigned", lambda _, body: body["epoch"] == epoch)[1]

    def deliver(self, position: int, body: object) -> None:
        event_id = (1_790_000_000_000 + position).to_bytes(6, "big") + b"\x70" + b"\x80" * 9
        self.send("event", body, id=event_id, to="witness", op="sight.wanted", seq=position,
                  time=1_790_000_000_000, key=KEY)

    def handled(self, position: int) -> list[dict]:
        """Until it has come so far: what it said is waiting."""
        waiting = []
        while True:
            _, body = self.wait_for("handled")
            waiting += body["waiting"]
            if any(each["position"] >= position for each in body["upto"]):
                return waiting


class WorkerEvents(SystemTest):
    def begin(self) -> tuple[System, Broker]:
        system = self.system(
            {"witness": "{replicas: 2, subscribes: [sight.wanted], retry: {attempts: 2}, "
                        "config: {echo_to: sight.echoed}}",
             "echo": "{actor: echo, replicas: 2, store: none}"},
            nodes=("n1",), more="events: {broker: b1}")
        broker = Broker(system)
        self.addCleanup(broker.socket.close)
        return system, broker

    def test_events_are_handled_once_and_what_they_publish_is_relayed(self):
        system, broker = self.begin()
        system.worker(joined=False)
        hello = broker.welcome()
        credit = {each["capability"]: each["events"] for each in hello["serves"]}
        self.assertGreater(credit["witness"], 0)
        self.assertEqual(0, credit["echo"])
        self.assertEqual(0, broker.wait_for("outbox")[1]["newest"])
        broker.send("confirmed", {"capability": "witness", "up_to": 0, "refused": ""})
        state = broker.assign(1)
        self.assertEqual(64, len(state["partitions"]))

        for position in (1, 2, 2, 3):
            broker.deliver(position, {"n": position})
        broker.handled(3)

        self.assertEqual([(1,), (2,), (3,)],
                         system.rows("witness", "SELECT n FROM sights ORDER BY place"))
        for number in (1, 2, 3):
            header, body = broker.wait_for("relay")
            self.assertEqual((number, "sight.echoed", "witness", KEY),
                             (header["seq"], header["op"], header["to"], header["key"]))
            self.assertEqual(number, body["n"])

    def test_a_killed_worker_goes_on_where_its_database_is(self):
        system, broker = self.begin()
        worker = system.worker(joined=False)
        broker.welcome()
        broker.assign(1)
        broker.deliver(1, {"n": 1})
        broker.handled(1)
        worker.kill()

        broker.heard.clear()
        system.worker(joined=False)
        broker.welcome()
        announced = broker.wait_for("outbox")[1]
        self.assertEqual(1, announced["newest"])
        broker.send("confirmed", {"capability": "witness", "up_to": 0, "refused": ""})
        broker.send("resend", {"capability": "witness", "from": 1, "to": 1})
        header, _ = broker.wait_for("relay")
        self.assertEqual((1, announced["newest_id"]), (header["seq"], header["id"]))
        state = broker.assign(2)
        self.assertEqual(1, max(each["handled"] for each in state["partitions"]))

        broker.deliver(1, {"n": 1})
        broker.deliver(2, {"n": 2})
        broker.handled(2)

        self.assertEqual([(2,)], system.rows("witness", "SELECT COUNT(*) FROM sights"))

    def test_an_event_that_cannot_be_read_is_given_up_and_the_next_goes_on(self):
        system, broker = self.begin()
        system.worker(joined=False)
        broker.welcome()
        broker.assign(1)
        broker.deliver(1, {"m": "without the field that is needed"})
        broker.deliver(2, {"n": 2})
        waiting = broker.handled(2)
        self.assertEqual([(1, True, "invalid"), (2, False, "")],
                         [(each["position"], each["dead"], each["cause"]) for each in waiting])

        broker.send("buried", {"capability": "witness", "positions": [1]})
        broker.deliver(2, {"n": 2})
        done = broker.wait_for("handled", lambda _, body: body["done"])[1]["done"]

        self.assertEqual([2], done)
        self.assertEqual([(2,)], system.rows("witness", "SELECT n FROM sights"))

    def test_a_drain_tells_that_no_events_are_wanted_and_finishes_those_in_hand(self):
        system, broker = self.begin()
        worker = system.worker(joined=False)
        broker.welcome()
        broker.assign(1)
        broker.deliver(1, {"n": 1})
        broker.handled(1)

        worker.signal(signal.SIGTERM)
        state = broker.wait_for("state", lambda _, body: body["draining"])[1]

        self.assertEqual([0, 0], [each["events"] for each in state["serves"]])
        self.assertEqual(0, worker.await_end())

    def test_an_event_for_later_outlives_the_process_that_was_to_publish_it(self):
        system, broker = self.begin()
        worker = system.worker(joined=False, faults="timers.before_move=kill")
        broker.welcome()
        broker.send("call", {"topic": "sight.later", "key": KEY, "keys": 1, "first": 7, "count": 1,
                             "after": 50},
                    id=new_id(), to="witness", op="publish", ttl=10_000)
        broker.wait_for("reply", lambda header, _: header["status"] == "ok")
        self.assertEqual(-signal.SIGKILL, worker.await_end())
        self.assertEqual([(1,)], system.rows("witness", "SELECT COUNT(*) FROM timers"))

        broker.heard.clear()
        system.worker(joined=False)
        hello = broker.welcome()
        broker.send("roster", {"workers": [{"node": "n1", "incarnation": hello["incarnation"]}]})
        header, body = broker.wait_for("relay")

        self.assertEqual(("sight.later", 7), (header["op"], body["n"]))
        self.assertEqual([(0,)], system.rows("witness", "SELECT COUNT(*) FROM timers"))

    def test_a_group_that_is_shut_says_so_and_is_left_out_of_everything(self):
        system, broker = self.begin()
        system.data.mkdir()
        damaged = os.urandom(8192)
        (system.data / "witness.db").write_bytes(damaged)
        worker = system.worker(joined=False)
        hello = broker.welcome()
        shut, = (each for each in hello["serves"] if each["capability"] == "witness")
        self.assertEqual(("down", 0, 0), (shut["breaker"], shut["credit"], shut["events"]))
        self.assertIn("witness.db", shut["shut"])

        # A broker that does not heed it: nothing of this may reach the group, which has no host.
        broker.send("roster", {"workers": [{"node": "n1", "incarnation": hello["incarnation"]}]})
        broker.send("assign", {
            "capability": "witness", "journal": JOURNAL, "epoch": 1,
            "partitions": [{"partition": i, "position": 0} for i in range(64)]})
        broker.deliver(1, {"n": 1})
        broker.send("resend", {"capability": "witness", "from": 1, "to": 1})
        for capability, operation in (("witness", "publish"), ("echo", "echo")):
            broker.send("call", {"payload": "x"}, id=new_id(), to=capability, op=operation,
                        ttl=10_000)
        refused, _ = broker.wait_for("reply", lambda header, _: header["status"] == "error")
        broker.wait_for("reply", lambda header, _: header["status"] == "ok")
        forced = new_id()
        broker.send("call", {"capability": "witness", "mode": "open", "who": "ann", "why": "repair",
                             "only_here": False},
                    id=forced, to="troupe.node.n1", op="force_breaker", ttl=10_000)
        unkept, _ = broker.wait_for("reply", lambda header, _: header["id"] == forced)
        worker.signal(signal.SIGTERM)
        broker.wait_for("state", lambda _, body: body["draining"])

        self.assertEqual(0, worker.await_end())
        self.assertEqual("unavailable", refused["error"]["code"])
        self.assertEqual("none", refused["error"]["effect"])
        self.assertIn("witness.db", refused["error"]["message"])
        self.assertEqual("unavailable", unkept["error"]["code"])
        self.assertEqual(set(), {"outbox", "assigned", "handled", "relay"}
                         & {header["kind"] for header, _ in broker.heard})
        self.assertEqual(damaged, (system.data / "witness.db").read_bytes())

    def test_another_journal_is_refused_in_words(self):
        system, broker = self.begin()
        system.worker(joined=False)
        broker.welcome()
        broker.assign(1)

        broker.send("assign", {
            "capability": "witness", "journal": b"\x08" * 16, "epoch": 2,
            "partitions": [{"partition": 0, "position": 0}]})
        answer = broker.wait_for("assigned")[1]

        self.assertIn("journal", answer["refused"])


if __name__ == "__main__":
    unittest.main()
