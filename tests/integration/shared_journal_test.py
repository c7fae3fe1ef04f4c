"""A journal in PostgreSQL that three brokers share: whoever has it is killed, stopped or cut off, and another
one goes on. Nothing acknowledged is missing or there twice, and each event keeps its one position."""

import json
import signal
import subprocess
import sys
import threading
import time
import unittest

from event_systems import PATIENT, WITNESS, await_true, topics
from harness import BIN, PATIENCE, SOURCE, Client, Load, System, SystemTest, new_id

sys.path.insert(0, str(SOURCE / "tests" / "chaos"))
from postgres_server import PostgresServer, programs  # noqa: E402

BROKERS = ("b1", "b2", "b3")
# What a plain client takes for silence, and asks the next broker.
SILENCE = 0.3


class Publisher(threading.Thread):
    """A client that publishes without end, over whichever broker has the journal: it follows what refusals say,
    asks again under the same id, and notes which position each event got."""

    def __init__(self, system: System, window: int = 32):
        super().__init__(daemon=True)
        self._links = {at: Client(system.context, at) for at in system.endpoints.values()}
        self._at = next(iter(self._links))
        self._window = window
        self._enough = threading.Event()
        self._news = threading.Condition()
        self.confirmed: dict[bytes, int] = {}
        self.differing: list[tuple] = []
        self.left = 0
        self.longest = 0.0
        self.refused: dict[str, int] = {}

    def run(self) -> None:
        waiting: dict[bytes, list] = {}  # By id: its number, and when it is to be sent, again.
        sent, until = 0, float("inf")
        confirmed_at = heard_at = time.monotonic()
        said = ""
        while waiting or not self._enough.is_set():
            now = time.monotonic()
            until = min(until, now + 2 * PATIENCE) if self._enough.is_set() else until
            if now > until:
                break
            while not self._enough.is_set() and len(waiting) < self._window:
                waiting[new_id()] = [sent, 0.0]
                sent += 1
            for event, one in waiting.items():
                if one[1] <= now:
                    one[1] = now + 2.0
                    self._links[self._at].send("troupe.publish", "sight.seen", {"n": one[0]}, key="p",
                                               call_id=event, ttl=5000)
            if now - heard_at > SILENCE:
                heard_at = now
                self._turn_to("", waiting)
            asked = self._at
            reply = self._links[asked].receive(0.05)
            while reply is not None:
                heard_at = time.monotonic()
                if reply.ok:
                    self._note(reply.id, reply.body["position"])
                    if waiting.pop(reply.id, None):
                        self.longest = max(self.longest, heard_at - confirmed_at)
                        confirmed_at = heard_at
                elif reply.id in waiting:
                    self.refused[reply.code] = self.refused.get(reply.code, 0) + 1
                    waiting[reply.id][1] = heard_at + 0.05
                    said = dict(reply.error.get("details") or {}).get("endpoint", "")
                reply = self._links[asked].receive(0)
            if said:
                self._turn_to(said, waiting)  # Where the newest refusal says.
                said = ""
        self.left = len(waiting)
        for each in self._links.values():
            each.close()

    def _note(self, event: bytes, position: int) -> None:
        with self._news:
            if self.confirmed.setdefault(event, position) != position:
                self.differing.append((event, self.confirmed[event], position))
            self._news.notify_all()

    def _turn_to(self, endpoint: str, waiting: dict) -> None:
        """Asks there; without an endpoint, the next broker."""
        known = list(self._links)
        following = endpoint if endpoint in self._links else known[
            (known.index(self._at) + 1) % len(known)]
        if following != self._at:
            while self._links[following].receive(0) is not None:
                pass  # Of an earlier stay there: it is asked again under the same id.
            self._at = following
            for one in waiting.values():
                one[1] = 0.0

    def await_confirmed(self, more: int, within: float = 2 * PATIENCE) -> None:
        with self._news:
            wanted = len(self.confirmed) + more
            if not self._news.wait_for(lambda: len(self.confirmed) >= wanted, within):
                raise AssertionError(f"nothing is confirmed any more: {self.refused}")

    def finish(self) -> None:
        self._enough.set()
        self.join(4 * PATIENCE)


class Tail(threading.Thread):
    """`troupe tail`: a C++ client that follows the journal from its beginning."""

    def __init__(self, system: System):
        super().__init__(daemon=True)
        self._child = subprocess.Popen(
            [str(BIN / "troupe"), "tail", str(system.file), "--from", "oldest", "--json"],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self._news = threading.Condition()
        self.positions: list[int] = []

    def run(self) -> None:
        for line in self._child.stdout:
            with self._news:
                self.positions.append(json.loads(line)["position"])
                self._news.notify_all()

    def await_position(self, last: int) -> None:
        with self._news:
            self._news.wait_for(lambda: self.positions and self.positions[-1] >= last, 2 * PATIENCE)

    def finish(self) -> None:
        if not self.is_alive():
            return
        self._child.send_signal(signal.SIGINT)
        self._child.wait(PATIENCE)
        self.join(PATIENCE)
        self._child.stdout.close()


class SharedJournalTest(SystemTest):

    def prepare(self) -> None:
        self.server = PostgresServer()
        self.addCleanup(self.server.close)
        self.over = self.system(
            {"witness": WITNESS, "source": "{actor: witness, replicas: 2}",
             "echo": "{actor: echo, replicas: 2, store: none}"},
            nodes=("n1", "n2"), brokers=BROKERS,
            more=PATIENT + f'\nevents: {{journal: "{self.server.url}"}}')
        self.clients = {each: self.over.client(each) for each in BROKERS}
        self.sent = 0

    def begin(self) -> None:
        self.prepare()
        self.brokers = {each: self.over.run("troupe-broker", each) for each in BROKERS}
        for each in self.brokers.values():
            each.wait_for("listening")
        self.workers = [self.over.worker(each) for each in ("n1", "n2")]
        self.owner = self.await_owner()
        self.publisher = Publisher(self.over)
        self.publisher.start()
        self.addCleanup(self.publisher.finish)
        self.tail = Tail(self.over)
        self.tail.start()
        self.addCleanup(self.tail.finish)
        self.publisher.await_confirmed(50)

    def seat(self, broker: str) -> dict:
        """What a broker says of the journal; one that has just woken refuses what waited for it."""
        return await_true(self.clients[broker], "it says how it is", lambda: self.clients[broker].call(
            "troupe.broker", "status").body)["journal"]

    def await_owner(self, but: tuple = ()) -> str:
        """The broker that has the journal."""
        asked = [each for each in BROKERS if each not in but]
        return await_true(self.clients[asked[0]], "a broker has the journal", lambda: next(
            (each for each in asked if self.seat(each)["here"]), None))

    def survivor(self) -> str:
        return next(each for each in BROKERS if each != self.owner)

    def say_through_outbox(self, broker: str) -> None:
        """A turn with 50 events of five keys, which leave through an outbox in order."""
        reply = self.clients[broker].call("source", "publish", {
            "topic": "sight.seen", "key": "k", "keys": 5, "first": self.sent * 10, "count": 50},
            ttl=10_000)
        self.assertTrue(reply.ok, reply)
        self.sent += 1

    def judge(self, *, by: str) -> None:
        """Everybody has stopped: what was confirmed is there once, and was handled once, in order."""
        client = self.clients[by]
        self.publisher.finish()
        self.assertEqual(0, self.publisher.left, f"never confirmed: {self.publisher.refused}")
        self.assertEqual([], self.publisher.differing, "an event with two positions")
        published = [line.split("|") for line in self.server.psql(
            "SELECT encode(id, 'hex'), position FROM troupe_journal.events ORDER BY position;")]
        position_of: dict[bytes, int] = {}
        for event, position in published:
            self.assertNotIn(bytes.fromhex(event), position_of, "an event is there twice")
            position_of[bytes.fromhex(event)] = int(position)
        wrong = [(each.hex(), at, position_of.get(each))
                 for each, at in self.publisher.confirmed.items() if position_of.get(each) != at]
        self.assertEqual([], wrong, "confirmed, and not at its position")

        def all_there() -> bool:
            owner = self.await_owner()
            state = topics(self.clients[owner])
            groups = {each["capability"]: each for each in state["groups"]}
            return (groups["witness"]["lag"] == 0
                    and state["last"] == len(self.publisher.confirmed) + 50 * self.sent)
        until = time.monotonic() + 2 * PATIENCE
        while not all_there():
            self.assertLess(time.monotonic(), until, "events are missing, or not handled")
            client.receive(0.05)
        seen: dict[str, list[int]] = {}
        for key, n in self.over.rows("witness", "SELECT key, n FROM sights ORDER BY place"):
            seen.setdefault(key, []).append(n)
        for number in range(5):
            self.assertEqual(list(range(10 * self.sent)), seen.get(f"k{number}", []), f"k{number}")
        self.assertEqual(sorted(set(seen["p"])), sorted(seen["p"]), "an event was handled twice")
        self.assertEqual(len(self.publisher.confirmed), len(seen["p"]))
        last = len(self.publisher.confirmed) + 50 * self.sent
        self.tail.await_position(last)
        self.tail.finish()
        self.assertEqual(list(range(1, last + 1)), self.tail.positions, "what a tail has seen")

    def report(self, what: str, load: Load | None = None) -> None:
        calls = f", call {load.slowest * 1000:.0f} ms" if load else ""
        print(f"{what}: longest gap of publishes {self.publisher.longest * 1000:.0f} ms{calls}; "
              f"{len(self.publisher.confirmed)} confirmed, refused {self.publisher.refused}",
              file=sys.stderr)

    def test_the_owner_is_killed_again_and_again(self):
        self.begin()
        with self.good_client(self.over, broker=self.survivor()) as load:
            self.say_through_outbox(self.survivor())
            self.publisher.await_confirmed(100)
            killed = self.owner
            self.brokers[killed].kill()
            for _ in range(5):
                self.say_through_outbox(self.survivor())
            self.publisher.await_confirmed(200)
            self.owner = self.await_owner(but=(killed,))
            self.report("killed", load)
        self.brokers[killed] = self.over.broker(killed)
        self.brokers[killed].wait_for("journal_moved", generation="2")
        self.publisher.await_confirmed(100)
        second = self.owner
        self.brokers[second].kill()
        for _ in range(5):
            self.say_through_outbox(killed)
        self.owner = self.await_owner(but=(second,))
        self.publisher.await_confirmed(200)
        self.brokers[second] = self.over.broker(second)
        self.assertLess(self.publisher.longest, 2.0)
        self.judge(by=killed)

    def test_an_owner_that_is_stopped_past_its_lease_and_woken_writes_nothing_more(self):
        self.begin()
        stopped, other = self.owner, self.survivor()
        self.brokers[stopped].freeze()
        for _ in range(3):
            self.say_through_outbox(other)
        self.owner = self.await_owner(but=(stopped,))
        self.publisher.await_confirmed(200)
        self.brokers[stopped].thaw()
        self.brokers[stopped].wait_for("journal_given_up")
        for _ in range(3):
            self.say_through_outbox(other)
        self.publisher.await_confirmed(200)
        self.report("stopped")
        self.assertFalse(self.seat(stopped)["here"])
        self.judge(by=other)

    def test_a_batch_that_an_owner_holds_past_its_lease_is_not_written(self):
        """Nobody writes meanwhile, so that nothing but the generation stands against it."""
        self.prepare()
        stopped = self.over.run("troupe-broker", "b1", faults="bus.before_write=stop@20")
        stopped.wait_for("journal_taken")
        client = self.clients["b1"]
        sent: list[bytes] = []
        while len(sent) < 8 or client.receive(1.0) is not None:  # Always with events in a batch.
            sent.append(client.send("troupe.publish", "sight.seen", {"n": len(sent)}, key="p", ttl=60_000))
        stopped.await_frozen()
        other = self.over.broker("b2")
        other.wait_for("journal_taken")
        count = "SELECT count(*) FROM troupe_journal.events;"
        before = self.server.psql(count)
        self.assertLess(int(before[0]), len(sent))
        stopped.thaw()
        stopped.wait_for("journal_given_up")
        stopped.signal(signal.SIGTERM)
        self.assertEqual(0, stopped.await_end())
        self.assertEqual(before, self.server.psql(count), "it wrote after another had taken over")
        # Asked again elsewhere, each event has one position: those that were written keep theirs.
        confirmed = {each: reply.body["position"] for each, reply in client.collect(sent, 0).items()
                     if reply.ok}
        again = self.clients["b2"]
        for n, each in enumerate(sent):
            again.send("troupe.publish", "sight.seen", {"n": n}, key="p", call_id=each)
        positions = {each: reply.body["position"] for each, reply in again.collect(sent).items()}
        self.assertEqual(confirmed, {each: positions[each] for each in confirmed})
        self.assertEqual(list(range(1, len(sent) + 1)), sorted(positions.values()))

    def test_the_database_is_killed_and_comes_back(self):
        self.begin()
        with self.good_client(self.over, broker=self.survivor()) as load:
            for _ in range(3):
                self.say_through_outbox(self.survivor())
            self.server.kill()
            load.await_answers(200)
            self.server.start()
            for _ in range(3):
                self.say_through_outbox(self.survivor())
            self.publisher.await_confirmed(200)
            self.report("database killed", load)
        self.owner = self.await_owner()
        self.judge(by=self.owner)

    def test_sessions_that_the_server_ends_cost_a_moment_and_nothing_else(self):
        self.begin()
        for _ in range(3):
            self.say_through_outbox(self.survivor())
            self.server.psql("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
                             "WHERE pid <> pg_backend_pid() AND backend_type = 'client backend';")
            self.publisher.await_confirmed(100)
        self.report("sessions ended")
        self.owner = self.await_owner()
        self.judge(by=self.owner)

    def test_the_session_that_reads_is_ended_alone(self):
        self.begin()
        for _ in range(3):
            self.say_through_outbox(self.survivor())
            # The tail reads all the time, by several statements: the server knows the last one. Whoever writes
            # notices nothing of it.
            await_true(self.clients[self.owner], "a session that reads", lambda: "1" in self.server.psql(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
                "WHERE pid <> pg_backend_pid() AND query LIKE '%FROM deleted WHERE upto%';"))
            self.publisher.await_confirmed(100)
            self.tail.await_position(len(self.publisher.confirmed))
        self.assertEqual(self.owner, self.await_owner())
        self.judge(by=self.owner)

    def test_a_new_owner_that_dies_before_it_has_loaded_is_followed_by_the_next(self):
        self.begin()
        first = self.owner
        second, third = [each for each in BROKERS if each != first]
        for point in ("broker.journal_opened", "broker.journal_taken"):
            self.brokers[second].kill()
            self.brokers[second] = self.over.broker(second, faults=f"{point}=kill")
            self.brokers[third].freeze()  # So that the second is the one that takes it.
            self.brokers[first].kill()
            self.assertEqual(-signal.SIGKILL, self.brokers[second].await_end())
            self.brokers[third].thaw()
            self.owner = self.await_owner(but=(first, second))
            self.publisher.await_confirmed(50)
            self.say_through_outbox(third)
            self.brokers[second] = self.over.broker(second)
            self.brokers[third].kill()
            self.owner = self.await_owner(but=(first, third))
            self.brokers[first] = self.over.broker(first)
            self.brokers[third] = self.over.broker(third)
            first, second, third = second, first, third
        self.report("killed in between")
        self.judge(by=self.await_owner())

    def test_a_broker_that_is_drained_hands_the_journal_over(self):
        self.begin()
        ended = self.owner
        self.brokers[ended].signal(signal.SIGTERM)
        self.assertEqual(0, self.brokers[ended].await_end())
        self.owner = self.await_owner(but=(ended,))
        self.say_through_outbox(self.owner)
        self.publisher.await_confirmed(100)
        self.report("drained")
        self.assertLess(self.publisher.longest, 2.0)
        self.clients[ended] = self.clients[self.owner]
        self.brokers[ended] = self.over.broker(ended)
        self.clients[ended] = self.over.client(ended)
        self.judge(by=self.owner)


if __name__ == "__main__":
    if programs() is None:
        print("skipped: there is no PostgreSQL here (/usr/lib/postgresql)")
        sys.exit(77)
    unittest.main()
