"""Databases and actors that are broken, locked, full or stuck: each is told in words, hurts nobody
else (a good client's calls run meanwhile), and loses nothing."""

import contextlib
import fcntl
import json
import os
import resource
import signal
import sqlite3
import subprocess
import time
import unittest
import uuid

import msgpack

import harness
from harness import System, SystemTest
from systems import PATIENT, Keeper

EXIT_REFUSED = 69
EXIT_WATCHDOG = 75


class Databases(SystemTest):
    def refused_worker(self, system: System) -> str:
        worker = system.worker("n1", joined=False)
        self.assertEqual(EXIT_REFUSED, worker.await_end())
        return worker.wait_for("worker.not_started")["reason"]

    def test_a_corrupt_file_of_the_only_capability_is_named_and_left_as_it_is(self):
        system = self.system({"notes": "{actor: notes}"}, nodes=("n1",))
        system.data.mkdir()
        file = system.data / "notes.db"
        broken = b"SQLite format 3\x00" + os.urandom(8176)
        for content in (broken, os.urandom(8192)):
            file.write_bytes(content)

            reason = self.refused_worker(system)

            self.assertIn("notes", reason)
            self.assertIn("notes.db", reason)
            self.assertEqual(content, file.read_bytes())

    def notes_with_a_damaged_page(self, system: System) -> bytes:
        """400 notes, in a database that is good but for one of its last pages: a copy of before."""
        worker = system.worker("n1")
        client = system.client()
        ids = [client.send("notes", "add", {"text": str(i) * 500}) for i in range(400)]
        self.assertEqual(400, len([each for each in client.collect(ids).values() if each.ok]))
        worker.signal(signal.SIGTERM)
        self.assertEqual(0, worker.await_end())
        file = system.checkpoint("notes")
        good = file.read_bytes()
        with contextlib.closing(sqlite3.connect(file)) as session:
            size, = session.execute("PRAGMA page_size").fetchone()
            # A leaf of the table, not its root: what is read first is good.
            page, = session.execute(
                "SELECT max(pageno) FROM dbstat WHERE name = 'notes' AND pagetype = 'leaf'"
            ).fetchone()
        with file.open("r+b") as pages:
            pages.seek((page - 1) * size)
            pages.write(os.urandom(size))
        return good

    def test_a_damaged_page_takes_one_capability_down_until_the_file_is_restored(self):
        system = self.system(nodes=("n1",))
        system.broker()
        good = self.notes_with_a_damaged_page(system)
        file = system.data / "notes.db"
        damaged = file.read_bytes()

        worker = system.worker("n1")
        with self.good_client(system):
            down = worker.wait_for("group.down", capability="notes")
            client = system.client()
            replies = [client.call("notes", "count"), client.call("notes", "add", {"text": "x"})]
            of_node = client.call("troupe.node.n1", "status").body["groups"]
            of_broker, = system.status(client)["nodes"]
        worker.signal(signal.SIGTERM)

        self.assertEqual(0, worker.await_end())
        self.assertEqual(damaged, file.read_bytes())
        groups = {each["capability"]: each for each in of_node}
        lanes = {each["capability"]: each for each in of_broker["capabilities"]}
        for said in (down["reason"], groups["notes"]["down_reason"], lanes["notes"]["shut"],
                     *(each.error["message"] for each in replies)):
            for part in ("notes.db", "quick_check", "restart the worker n1"):
                self.assertIn(part, said)
        for each in replies:
            self.assert_code("unavailable", each)
            self.assertEqual("none", each.error["effect"])
        for each in (groups, lanes):
            self.assertEqual(("down", 0), (each["notes"]["breaker"], each["notes"]["credit"]))
            self.assertEqual("closed", each["echo"]["breaker"])

        file.write_bytes(good)
        system.worker("n1")
        reply = client.call("notes", "count")
        self.assertTrue(reply.ok, reply)
        self.assertEqual([(400,)], system.rows("notes", "SELECT COUNT(*) FROM notes"))

    def test_a_worker_does_not_start_past_a_database_that_is_only_busy(self):
        system = self.system(nodes=("n1",))
        system.broker()
        worker = system.worker()
        self.assertTrue(system.client().call("notes", "add", {"text": "before"}).ok)
        worker.signal(signal.SIGTERM)
        self.assertEqual(0, worker.await_end())

        with contextlib.closing(sqlite3.connect(
                system.data / "notes.db", isolation_level=None)) as stranger:
            stranger.execute("BEGIN EXCLUSIVE")
            refused = system.worker(joined=False)
            # It is tried again as a whole, by whoever keeps it running.
            self.assertEqual(EXIT_REFUSED, refused.await_end())

        self.assertEqual("unavailable", refused.wait_for("worker.not_started")["code"])

    def test_the_database_of_another_capability_is_refused(self):
        system = self.system(nodes=("n1",))
        system.broker()
        worker = system.worker()
        self.assertTrue(system.client().call("notes", "add", {"text": "mine"}).ok)
        worker.kill()
        system.capabilities = {"memos": '{actor: notes, store: "sqlite:data/notes.db"}'}
        system.file = system.write("memos.yaml")

        reason = self.refused_worker(system)

        self.assertIn("notes", reason)
        self.assertIn("memos", reason)
        self.assertEqual([("mine",)], system.rows("notes", "SELECT text FROM notes"))

    def test_who_has_a_deleted_database_open_ends_and_confirms_nothing(self):
        system = self.system(nodes=("n1",))
        system.broker()
        worker = system.worker()
        client = system.client()
        self.assertTrue(client.call("notes", "add", {"text": "before"}).ok)
        for each in system.data.glob("notes.db*"):
            each.unlink()

        late = client.send("notes", "add", {"text": "late"}, ttl=15_000)

        self.assertEqual(74, worker.await_end())
        self.assertIn("notes.db was deleted, moved or replaced", worker.lines[-1])
        system.worker()
        reply = client.collect([late])[late]
        self.assertTrue(reply.ok, reply)
        self.assertEqual([("late",)], system.rows("notes", "SELECT text FROM notes"))

    def test_a_wal_that_somebody_removed_costs_no_commit_that_was_confirmed(self):
        system = self.system()
        system.broker()
        workers = [system.worker(node) for node in system.nodes]
        client = system.client()
        for n in range(10):
            self.assertTrue(client.call("notes", "add", {"text": f"before {n}"}).ok)
        (system.data / "notes.db-wal").unlink()

        late = [client.send("notes", "add", {"text": f"late {n}"}, ttl=20_000) for n in range(10)]

        for worker in workers:
            self.assertEqual(74, worker.await_end())
            self.assertIn("notes.db-wal was removed", worker.lines[-1])
        for node in system.nodes:
            system.worker(node)
        self.assertEqual([True] * 10, [each.ok for each in client.collect(late).values()])
        self.assertEqual([(20,)], system.rows("notes", "SELECT COUNT(*) FROM notes"))

    def test_a_journal_whose_wal_somebody_removed_keeps_what_it_confirmed(self):
        system = self.system(nodes=("n1",))
        broker = system.broker()
        client = system.client()
        for n in range(10):
            self.assertTrue(client.call("troupe.publish", "tea.made", {"n": n}).ok)
        (system.data / "journal.db-wal").unlink()

        client.send("troupe.publish", "tea.made", {"n": 10})

        self.assertEqual(74, broker.await_end())
        system.broker()
        found = system.client().call("troupe.events", "read", {
            "patterns": ["*"], "from": "oldest", "count": 100, "wait_ms": 0}).body["events"]
        self.assertEqual(list(range(10)), [msgpack.unpackb(each["body"])["n"] for each in found][:10])

    def test_a_lock_held_by_a_stranger_makes_calls_wait(self):
        system = self.system(nodes=("n1",))
        system.broker()
        worker = system.worker()
        client = system.client()

        with self.good_client(system):
            with open(system.data / "notes.db.lock", "r+b") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                waiting = client.send("notes", "add", {"text": "later"}, ttl=15000)
                worker.wait_for("store.lock_awaited", capability="notes")
            reply = client.collect([waiting])[waiting]

        self.assertTrue(reply.ok, reply)

    def test_a_transaction_held_open_by_a_stranger_is_unavailable_until_it_ends(self):
        system = self.system(nodes=("n1",))
        system.broker()
        worker = system.worker()
        client = system.client()
        self.assertTrue(client.call("notes", "add", {"text": "before"}).ok)

        with self.good_client(system):
            with contextlib.closing(sqlite3.connect(
                    system.data / "notes.db", isolation_level=None)) as stranger:
                stranger.execute("BEGIN EXCLUSIVE")
                refused = client.call("notes", "add", {"text": "now"}, ttl=10000)
                stranger.execute("ROLLBACK")
            again = client.call("notes", "add", {"text": "now"}, call_id=refused.id)

        self.assert_code("unavailable", refused)
        self.assertIn("retry_after_ms", refused.error)
        self.assertTrue(again.ok, again)
        self.assertIsNone(worker.child.poll())
        self.assertEqual([(2,)], system.rows("notes", "SELECT COUNT(*) FROM notes"))

    @staticmethod
    def health(system: harness.System) -> str:
        """What the node says of its database."""
        said = subprocess.run(["curl", "--silent", f"http://{system.admin['n1']}/health"],
                              capture_output=True, text=True, timeout=harness.PATIENCE, check=False)
        return json.loads(said.stdout)["checks"]["database.notes"].get("error", "")

    def test_a_disk_that_is_full_is_told_and_gone_on_with(self):
        system = self.system(
            {**harness.CAPABILITIES, "notes": f"{{{PATIENT}}}"}, nodes=("n1",), admin=True)
        system.broker()
        worker = system.worker(file_bytes_max=400_000)
        client = system.client()

        with self.good_client(system):
            done, refused = [], None
            for i in range(40):
                reply = client.call("notes", "add", {"text": str(i) * 20_000})
                if not reply.ok:
                    refused = reply
                    break
                done.append(reply.id)
            self.assertIsNotNone(refused)
            told = subprocess.run([str(harness.BIN / "troupe"), "status", str(system.file)], capture_output=True,
                                  text=True, timeout=harness.PATIENCE, check=False).stdout
            ill = self.health(system)
            resource.prlimit(worker.pid, resource.RLIMIT_FSIZE, (
                resource.RLIM_INFINITY, resource.RLIM_INFINITY))
            again = client.call("notes", "add", {"text": str(i) * 20_000}, call_id=refused.id)

        words = " ".join(told.split())
        self.assertIn("the database of notes on n1 refuses turns", words)
        self.assertRegex(words, r"why: .*full.* next: free some space")
        self.assertIn("it refuses turns", ill)
        until = time.monotonic() + harness.PATIENCE
        while "refuses turns" in self.health(system):
            self.assertLess(time.monotonic(), until)
        self.assert_code("unavailable", refused)
        self.assertEqual("none", refused.error["effect"])
        self.assertIn("retry_after_ms", refused.error)
        self.assertTrue(worker.find("store.turn_failed", capability="notes", fault="full"))
        self.assertTrue(again.ok, again)
        self.assertIsNone(worker.child.poll())
        kept = [row[0] for row in system.rows("notes", "SELECT note_id FROM notes")]
        self.assertEqual(sorted([*done, again.id]), sorted(kept))


class Actors(SystemTest):
    def test_one_that_throws_in_its_constructor_is_unavailable(self):
        system = self.system(
            {**harness.CAPABILITIES,
             "faulty": "{config: {broken_on: n1}, supervision: "
                       "{max_restarts: 2, within: 10s, backoff: 1ms..2ms, cool_down: 30s}}"},
            nodes=("n1",))
        system.broker()
        worker = system.worker()

        with self.good_client(system):
            down = worker.wait_for("group.down", capability="faulty")
            reply = system.client().call("faulty", "echo", {"text": "x"}, ttl=1000)

        self.assertIn("broken on n1", down["reason"])
        self.assert_code("unavailable", reply)

    def test_one_that_never_returns_ends_its_process_and_others_calls_are_handed_on(self):
        system = self.system(
            {**harness.CAPABILITIES, "faulty": f"{{turn_limit: 500ms, {PATIENT}}}"})
        system.broker()
        keepers = [Keeper(system, node) for node in system.nodes]
        for each in keepers:
            each.start()
        client = system.client()
        began = time.monotonic()
        try:
            with self.good_client(system, "notes", "add", ttl=15000):
                hung = client.send("faulty", "hang", {"text": "for ever"}, ttl=30000)
                others = [client.send("faulty", "echo", {"text": str(i)}, ttl=30000)
                          for i in range(50)]
                answers = client.collect([hung, *others], within=30)
                took = time.monotonic() - began
        finally:
            for each in keepers:
                each.finish()

        codes = [code for each in keepers for code in each.codes]
        self.assertEqual([EXIT_WATCHDOG] * 5, codes)
        self.assert_code("crashed", answers[hung])
        self.assertEqual(51, len(answers))
        self.assertEqual([], [answers[each] for each in others if not answers[each].ok])
        # Five times the limit, what it takes to notice, and what a busy machine adds.
        self.assertLess(took, 5 * (0.5 + 1.0) + 5.0)

    def test_the_log_of_one_that_never_returns_names_operation_and_message(self):
        for operation in ("hang", "ask_hang"):
            with self.subTest(operation):
                system = self.system(
                    {**harness.CAPABILITIES, "faulty": "{turn_limit: 500ms}"}, nodes=("n1",))
                system.broker()
                worker = system.worker()

                client = system.client()
                hung = client.send("faulty", operation, {"text": "for ever"}, ttl=30000)
                line = worker.wait_for("worker.watchdog", capability="faulty")

                self.assertEqual(f"the handler of `faulty.{operation}`", line["at"])
                self.assertEqual(str(uuid.UUID(bytes=hung)), line["message"])
                self.assertEqual(EXIT_WATCHDOG, worker.await_end())

    def test_one_stopped_inside_a_turn_is_killed_by_who_waits_for_its_lock(self):
        system = self.system(
            {**harness.CAPABILITIES, "notes": "{turn_limit: 3s}"})
        system.broker()
        stalled = system.worker("n1", faults="turn.before_commit=stop@5")
        other = system.worker("n2")
        client = system.client()

        with self.good_client(system):
            ids = [client.send("notes", "add", {"text": str(i)}, ttl=20000) for i in range(100)]
            other.wait_for("store.stalled_holder_killed", capability="notes")
            answers = client.collect(ids)

        self.assertEqual(-signal.SIGKILL, stalled.await_end())
        self.assertEqual(100, len(answers))
        self.assertEqual([], [each for each in answers.values() if not each.ok])
        kept = [row[0] for row in system.rows("notes", "SELECT note_id FROM notes")]
        self.assertEqual(sorted(ids), sorted(kept))


if __name__ == "__main__":
    unittest.main()
