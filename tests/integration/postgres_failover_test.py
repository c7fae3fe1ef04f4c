"""Stores and journal in a primary that waits for its standby: either is stopped, killed, promoted or told to
forget who waits. What was acknowledged is there on whoever is primary in the end, and once; nobody stands still
afterwards, no worker ends for it and no breaker opens."""

import contextlib
import sqlite3
import sys
import threading
import time
import unittest

from event_systems import PATIENT, await_true
from harness import PATIENCE, SOURCE, Client, System, SystemTest, new_id
from shared_journal_test import Publisher

sys.path.insert(0, str(SOURCE / "tests" / "chaos"))
from postgres_server import PostgresServer, PostgresStandby, programs  # noqa: E402

BROKERS = ("b1", "b2")
NODES = ("n1", "n2")
# Shorter than an outage: the wait for a database is no turn that hangs.
TURN_LIMIT = 3.0
ASKED_AGAIN = 3.0
ENDS_SESSIONS = ("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
                 "WHERE application_name LIKE 'troupe %';")
CANCELS_WAITS = ("SELECT count(pg_cancel_backend(pid)) FROM pg_stat_activity "
                 "WHERE application_name LIKE 'troupe %' AND wait_event = 'SyncRep';")


class Writer(threading.Thread):
    """A client that adds notes without end, and asks again under the same id until it is told what became of
    each."""

    def __init__(self, system: System, window: int = 16):
        super().__init__(daemon=True)
        self._links = [Client(system.context, at) for at in system.endpoints.values()]
        self._window = window
        self._enough = threading.Event()
        self._news = threading.Condition()
        self.acknowledged: list[bytes] = []
        self.left = 0
        self.refused: dict[str, int] = {}

    def run(self) -> None:
        waiting: dict[bytes, list] = {}  # By id: its text, when it is to be sent, and how often it was.
        until = float("inf")
        made = 0
        while waiting or not self._enough.is_set():
            now = time.monotonic()
            until = min(until, now + 3 * PATIENCE) if self._enough.is_set() else until
            if now > until:
                break
            while not self._enough.is_set() and len(waiting) < self._window:
                waiting[new_id()] = [f"note {made}", 0.0, 0]
                made += 1
            for note, one in waiting.items():
                if one[1] <= now:
                    one[1] = now + ASKED_AGAIN
                    one[2] += 1
                    # Each time another broker, and with it another worker perhaps.
                    self._links[one[2] % len(self._links)].send(
                        "notes", "add", {"text": one[0]}, call_id=note, ttl=20_000)
            for link in self._links:
                reply = link.receive(0.01)
                while reply is not None:
                    self._take(reply, waiting)
                    reply = link.receive(0)
        self.left = len(waiting)
        for each in self._links:
            each.close()

    def _take(self, reply, waiting: dict) -> None:
        if reply.id not in waiting:
            return
        if reply.ok:
            del waiting[reply.id]
            with self._news:
                self.acknowledged.append(reply.id)
                self._news.notify_all()
        else:
            self.refused[reply.code] = self.refused.get(reply.code, 0) + 1
            waiting[reply.id][1] = time.monotonic() + 0.1

    def await_more(self, more: int, within: float = 3 * PATIENCE) -> None:
        with self._news:
            wanted = len(self.acknowledged) + more
            if not self._news.wait_for(lambda: len(self.acknowledged) >= wanted, within):
                raise AssertionError(f"no note is acknowledged any more: {self.refused}")

    def finish(self) -> None:
        self._enough.set()
        self.join(5 * PATIENCE)


class PostgresFailoverTest(SystemTest):

    def begin(self, *, is_synchronous: bool = True, faults: str = "", brokers: tuple = BROKERS,
              shares_journal: bool = True) -> None:
        self.primary = PostgresServer()
        self.addCleanup(self.primary.close)
        self.standby = PostgresStandby(self.primary)
        self.addCleanup(self.standby.close)
        if is_synchronous:
            self.primary.psql("ALTER SYSTEM SET synchronous_standby_names = '*'; SELECT pg_reload_conf();")
        url = (f"postgresql:///postgres?host={self.primary.folder},{self.standby.folder}"
               "&port=5432&user=postgres")
        on_server = f'store: "{url}", turn_limit: {TURN_LIMIT:.0f}s'
        journal = f'\nevents: {{journal: "{url}&connect_timeout=2"}}' if shares_journal else ""
        self.over = self.system(
            {"notes": f"{{actor: notes, replicas: 2, {on_server}}}",
             "witness": ("{actor: witness, replicas: 2, subscribes: [sight.*], "
                         f"retry: {{attempts: 5, backoff: 10ms..50ms}}, {on_server}}}")},
            nodes=NODES, brokers=brokers, more=PATIENT + journal)
        self.brokers = [self.over.broker(each) for each in brokers]
        self.workers = [self.over.worker(each, faults=faults if each == "n1" else "") for each in NODES]
        self.client = self.over.client("b1")
        self.publisher = Publisher(self.over)
        self.publisher.start()
        self.addCleanup(self.publisher.finish)
        self.writer = Writer(self.over)
        self.writer.start()
        self.addCleanup(self.writer.finish)
        self.go_on()

    def go_on(self) -> None:
        """Both kinds of work are done."""
        self.writer.await_more(50)
        self.publisher.await_confirmed(50, within=3 * PATIENCE)

    def pass_time(self, seconds: float) -> None:
        """The fault lasts; the load goes on meanwhile."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            self.client.receive(left)

    def await_away(self) -> None:
        """One at least has lost its server; another may be waiting for the lock that a lost session keeps."""
        await_true(self.client, "a worker has lost its server",
                   lambda: any(each.find("store.away") for each in self.workers))

    def judge(self, primary: PostgresServer) -> None:
        """All has stopped: what was acknowledged is there, and once."""
        self.writer.finish()
        self.publisher.finish()
        self.assertEqual(0, self.writer.left, f"never answered: {self.writer.refused}")
        self.assertEqual(0, self.publisher.left, f"never confirmed: {self.publisher.refused}")
        rows = [line.split("|") for line in primary.psql(
            "SELECT encode(note_id, 'hex'), text FROM notes.notes;")]
        there = {bytes.fromhex(note) for note, _ in rows}
        self.assertEqual([], [each.hex() for each in self.writer.acknowledged if each not in there],
                         "acknowledged, and not there")
        self.assertEqual(len(rows), len({text for _, text in rows}), "a note was added twice")
        position_of = {}
        for line in primary.psql("SELECT encode(id, 'hex'), position FROM troupe_journal.events;"):
            event, position = line.split("|")
            self.assertNotIn(event, position_of, "an event is there twice")
            position_of[event] = int(position)
        wrong = [(each.hex(), at, position_of.get(each.hex()))
                 for each, at in self.publisher.confirmed.items() if position_of.get(each.hex()) != at]
        self.assertEqual([], wrong, "confirmed, and not at its position")
        await_true(self.client, "each event is handled", lambda: primary.psql(
            "SELECT count(*), count(DISTINCT n) FROM witness.sights;")
            == [f"{len(position_of)}|{len(position_of)}"])
        for each in self.workers:
            self.assertIsNone(each.child.poll(), "a worker has ended:\n" + "\n".join(each.lines[-20:]))
            self.assertEqual([], each.find("breaker.open"))

    def test_a_primary_that_stands_still_is_replaced_and_wakes(self):
        self.begin()
        self.primary.freeze()
        self.await_away()
        self.pass_time(TURN_LIMIT + 1.0)
        self.standby.promote()
        self.go_on()
        self.primary.thaw()
        self.go_on()
        self.judge(self.standby)

    def test_a_primary_that_is_killed_is_replaced(self):
        self.begin()
        self.primary.kill()
        self.await_away()
        self.standby.promote()
        self.go_on()
        self.judge(self.standby)

    def test_of_two_primaries_the_one_that_confirms_is_used(self):
        self.begin()
        self.standby.promote()
        self.go_on()
        self.judge(self.standby)

    def test_a_standby_that_stands_still_stops_all_until_it_goes_on(self):
        self.begin()
        self.standby.freeze()
        self.await_away()
        self.pass_time(2 * TURN_LIMIT)
        before = len(self.writer.acknowledged)
        self.pass_time(1.0)
        self.assertEqual(before, len(self.writer.acknowledged), "acknowledged without a standby")
        self.standby.thaw()
        self.go_on()
        self.judge(self.primary)

    def test_a_commit_that_does_not_wait_for_its_standby_any_more_is_not_acknowledged(self):
        """An administrator cancels what hangs; then the primary dies, and what it alone had is gone."""
        self.begin()
        self.standby.freeze()
        cancelled = 0
        until = time.monotonic() + 2 * PATIENCE
        while cancelled < 10 and time.monotonic() < until:
            cancelled += int(self.primary.psql(CANCELS_WAITS)[0])
        self.assertGreaterEqual(cancelled, 10)
        self.primary.kill()
        self.standby.thaw()
        self.standby.promote()
        self.go_on()
        self.judge(self.standby)

    @staticmethod
    def sights(of: PostgresServer) -> int:
        return int(of.psql("SELECT count(*) FROM witness.sights;")[0])

    def lose_what_was_confirmed(self) -> None:
        """The primary dies, and its standby has not followed it for long."""
        self.standby.psql("ALTER SYSTEM SET primary_conninfo = ''; SELECT pg_reload_conf();")
        await_true(self.client, "the standby has let go", lambda: self.primary.psql(
            "SELECT count(*) FROM pg_stat_replication;") == ["0"])
        seen = self.sights(self.primary)
        self.go_on()
        await_true(self.client, "events are handled that it will lack",
                   lambda: self.sights(self.primary) >= seen + 20)
        self.primary.kill()
        self.await_away()
        self.standby.promote()
        self.go_on()
        told = [each.find("store.went_back", capability="notes") for each in self.workers]
        self.assertTrue(any(told), "no worker tells that its notes are gone")
        self.writer.finish()
        self.publisher.finish()
        self.assertEqual([0, 0], [self.writer.left, self.publisher.left])

    def await_all_handled(self, events: int) -> None:
        """Each event of the journal is handled, and once."""
        await_true(self.client, "each event is handled", lambda: self.standby.psql(
            "SELECT count(*), count(DISTINCT n) FROM witness.sights;") == [f"{events}|{events}"])
        self.assertEqual([], self.brokers[0].find("events_stopped"))

    def test_a_failover_that_loses_what_was_confirmed_is_told(self):
        """The standby is asynchronous, as whoever set it up decided."""
        self.begin(is_synchronous=False, brokers=BROKERS[:1])
        self.lose_what_was_confirmed()
        self.brokers[0].wait_for("journal_went_back")
        self.await_all_handled(int(self.standby.psql("SELECT count(*) FROM troupe_journal.events;")[0]))

    def test_events_whose_handling_a_failover_loses_are_handled_again(self):
        """The journal is a file, and still has them."""
        self.begin(is_synchronous=False, brokers=BROKERS[:1], shares_journal=False)
        self.lose_what_was_confirmed()
        self.brokers[0].wait_for("database_went_back", capability="witness")
        with contextlib.closing(sqlite3.connect(self.over.data / "journal.db")) as journal:
            events = journal.execute("SELECT count(*) FROM events").fetchone()[0]
        self.assertGreaterEqual(events, len(self.publisher.confirmed))
        self.await_all_handled(events)

    def test_sessions_that_are_ended_at_any_moment_lose_nothing(self):
        self.begin()
        for _ in range(20):
            self.primary.psql(ENDS_SESSIONS)
            self.writer.await_more(20)
        self.go_on()
        self.judge(self.primary)

    def test_a_worker_that_is_stopped_with_the_lock_does_not_keep_it(self):
        self.begin(faults="turn.before_commit=stop@60")
        self.workers[0].await_frozen()
        self.go_on()
        self.workers[0].thaw()
        self.go_on()
        self.judge(self.primary)

    def rate(self) -> float:
        """The best of three: notes and events a second."""
        best = 0.0
        for _ in range(3):
            before = len(self.publisher.confirmed)
            began = time.monotonic()
            self.writer.await_more(200)
            best = max(best, (200 + len(self.publisher.confirmed) - before) / (time.monotonic() - began))
        return best

    def test_a_transaction_that_stays_open_slows_nobody_down_for_good(self):
        """As long as it lasts, no version of a row that is written again and again can be removed."""
        self.begin()
        before = self.rate()
        with self.primary.open_transaction():
            self.writer.await_more(4_000, within=10 * PATIENCE)
            meanwhile = self.rate()
        print(f"beside an open transaction: {meanwhile:.0f}/s, before it {before:.0f}/s", file=sys.stderr)
        self.assertGreater(meanwhile, 0.4 * before)
        self.judge(self.primary)

    def test_a_key_with_a_nul_is_refused_and_stops_nobody(self):
        self.begin()
        generation = "SELECT generation FROM troupe_journal.journal;"
        before = self.primary.psql(generation)
        for broker in BROKERS:
            reply = self.over.client(broker).call("troupe.publish", "sight.seen", {"n": -1}, key="a\0b")
            self.assertIn(reply.code, ("invalid", "unavailable"), reply)  # It has the journal, or has not.
            reply = self.over.client(broker).call(
                "notes", "add", {"text": f"over {broker}"}, key="a\0b")
            self.assertTrue(reply.ok, reply)
        self.go_on()
        self.assertEqual(before, self.primary.psql(generation))
        self.judge(self.primary)


if __name__ == "__main__":
    if programs() is None:
        print("skipped: there is no PostgreSQL here (/usr/lib/postgresql)")
        sys.exit(77)
    unittest.main()
