"""What is broken, hostile or in the wrong place: each gets a clear typed error or a line in the log,
hurts nobody else (a good client's calls run meanwhile), and loses nothing."""

import contextlib
import fcntl
import os
import resource
import signal
import socket
import sqlite3
import struct
import time
import unittest

import msgpack
import zmq

import harness
from harness import PATIENCE, Client, System, SystemTest, new_id
from promises_test import PATIENT, Keeper

NOBODY = bytes(16)
BODY_MAX = 64 * 1024
HEADER_MAX = 16 * 1024
EXIT_REFUSED = 69
EXIT_WATCHDOG = 75


def header(**keys: object) -> bytes:
    """A call's header that is good but for `keys`; a key that is None is left out."""
    made = {"v": 1, "kind": "call", "id": new_id(), "to": "echo", "op": "echo", "ttl": 5000, **keys}
    return msgpack.packb({key: value for key, value in made.items() if value is not None})


def hello(**fields: object) -> list[bytes]:
    body = {"role": "worker", "node": "n1", "incarnation": new_id(), "plan": 0, "batch": True,
            "pid": 1, "serves": [], "in_flight": [], **fields}
    return [msgpack.packb({"v": 1, "kind": "hello"}), msgpack.packb(body)]


GOOD_BODY = msgpack.packb({"payload": "x"})


class Messages(SystemTest):
    """One system for all of them: whatever one test sends, the next must not notice."""

    @classmethod
    def setUpClass(cls):
        cls.shared = System(nodes=("n1", "n2"), more="limits: {body: 64KiB}")
        cls.addClassCleanup(cls.shared.close)
        cls.the_broker = cls.shared.broker()
        cls.workers = [cls.shared.worker(node) for node in cls.shared.nodes]

    def setUp(self):
        self.client = Client(self.shared.context, self.shared.endpoints["b1"])
        self.addCleanup(self.client.close)

    def tearDown(self):
        for each in [self.the_broker, *self.workers]:
            self.assertIsNone(each.child.poll(), "a process has ended")

    def answer_to(self, *frames: bytes) -> harness.Reply:
        self.client.send_raw(*frames)
        reply = self.client.receive()
        self.assertIsNotNone(reply, "no answer")
        return reply

    def assert_refused(self, code: str, *frames: bytes) -> harness.Reply:
        reply = self.answer_to(*frames)
        self.assert_code(code, reply)
        self.assertEqual("none", reply.error["effect"], reply)
        return reply

    def test_frames_that_are_no_message(self):
        good = header()
        deep = b"\x81\xa1v" + b"\x91" * 10_000
        with self.good_client(self.shared):
            for name, frames in {
                    "empty": [b"", b"", b""],
                    "garbage": [os.urandom(200), os.urandom(200)],
                    "not a map": [msgpack.packb([1, 2, 3]), GOOD_BODY],
                    "trailing bytes": [good + b"\x00", GOOD_BODY],
                    "huge map": [b"\xdf\xff\xff\xff\xff", GOOD_BODY],
                    "huge array": [b"\xdd\xff\xff\xff\xff", GOOD_BODY],
                    "huge text": [b"\x81\xdb\xff\xff\xff\xff", GOOD_BODY],
                    "deep": [deep, GOOD_BODY],
                    "a hundred frames": [good] * 100,
                    "three frames": [good, GOOD_BODY, GOOD_BODY],
                    "header too long": [header(source="x" * HEADER_MAX), GOOD_BODY],
                    "a broken batch": [b"\xc1\x01" + struct.pack("<II", 99, 99) + b"?"],
            }.items():
                with self.subTest(name):
                    self.assert_refused("invalid", *frames)

    def test_every_truncated_header(self):
        good = header()
        for length in range(1, len(good)):
            reply = self.answer_to(good[:length], GOOD_BODY)
            self.assertEqual("invalid", reply.code, length)

    def test_wrong_headers(self):
        for name, frames in {
                "unknown version": header(v=99),
                "no version": header(v=None),
                "unknown kind": header(kind="shout"),
                "no kind": header(kind=None),
                "kind of another type": header(kind=7),
                "short id": header(id=b"abc"),
                "id as text": header(id="018f3c1e-7a2b-7c3d-8e4f-5061728394a5"),
                "no id": header(id=None),
                "no to": header(to=None),
                "long to": header(to="x" * 65),
                "no op": header(op=None),
                "empty op": header(op=""),
                "no ttl": header(ttl=None),
                "negative ttl": header(ttl=-1),
                "ttl too large": header(ttl=2**32),
                "ttl as text": header(ttl="soon"),
                "broken text": header(to=b"\xff\xfe"),
                "a key twice": b"\x87" + header()[1:] + msgpack.packb("ttl") + msgpack.packb(1),
        }.items():
            with self.subTest(name):
                self.assert_refused("invalid", frames, GOOD_BODY)

    def test_an_unknown_version_is_told_the_one_that_is_spoken(self):
        self.assertIn("1", self.assert_refused("invalid", header(v=99)).error["message"])

    def test_what_is_not_in_the_topology(self):
        call_id = new_id()

        reply = self.assert_refused("unknown_capability", header(id=call_id, to="ekho"), GOOD_BODY)
        self.assertEqual(call_id, reply.id)
        self.assertIn("echo", reply.error["message"])
        reply = self.assert_refused("unknown_operation", header(op="ekho"), GOOD_BODY)
        self.assertIn("echo", reply.error["message"])
        self.assert_refused("unknown_operation", header(to="notes", op="ad"), GOOD_BODY)
        self.assert_refused("unknown_operation", header(to="troupe.broker", op="stats"), GOOD_BODY)
        self.assert_refused("deadline_exceeded", header(ttl=0), GOOD_BODY)

    def test_wrong_bodies(self):
        text = {"text": "x"}
        with self.good_client(self.shared):
            for name, body in {
                    "none": b"",
                    "garbage": os.urandom(64) + b"\xc1",
                    "an array": msgpack.packb([1]),
                    "a missing field": msgpack.packb({}),
                    "a wrong type": msgpack.packb({"text": 7}),
                    "broken text": b"\x81\xa4text\xa2\xff\xfe",
                    "trailing bytes": msgpack.packb(text) + b"\x00",
                    "deep": b"\x81\xa4text" + b"\x91" * 50_000,
                    "a claimed gigabyte": b"\x81\xa4text\xdb\x3f\xff\xff\xff",
                    "a claimed billion of items": b"\x81\xa4text\xdd\xff\xff\xff\xff",
                    "nested claims": b"\x81\xa4text" + b"\xdc\xff\xff" * 20_000,
                    "too long": msgpack.packb({"text": "x" * BODY_MAX}),
            }.items():
                with self.subTest(name):
                    call_id = new_id()
                    reply = self.assert_refused(
                        "invalid", header(to="notes", op="add", id=call_id), body)
                    self.assertEqual(call_id, reply.id)
        self.assertIn("`text`", self.assert_refused(
            "invalid", header(to="notes", op="add"), msgpack.packb({})).error["message"])

    def test_ids_of_another_time_and_kind(self):
        old = (int(time.time() * 1000) - 8 * 24 * 3600 * 1000).to_bytes(6, "big")
        ahead = (int(time.time() * 1000) + 2 * 3600 * 1000).to_bytes(6, "big")
        random_id = bytearray(os.urandom(16))
        random_id[6] = 0x40 | random_id[6] & 0x0F
        for name, call_id in {"old": old + new_id()[6:], "from the future": ahead + new_id()[6:],
                              "of version 4": bytes(random_id)}.items():
            with self.subTest(name):
                self.assert_refused(
                    "invalid", header(to="notes", op="add", id=call_id),
                    msgpack.packb({"text": "x"}))

    def test_a_frame_beyond_the_limit_ends_that_connection_only(self):
        with self.good_client(self.shared):
            self.client.send_raw(header(), bytes(1024 * 1024))
            # The link is made anew, and a call finds it working.
            answered = None
            until = time.monotonic() + PATIENCE
            while answered is None and time.monotonic() < until:
                self.client.send("echo", "echo", {"payload": "again"})
                answered = self.client.receive(0.5)
        self.assertTrue(answered.ok)

    def test_what_only_those_may_say_who_are_logged_in(self):
        for kind in ("reply", "pong", "state", "bye", "welcome", "roster"):
            with self.subTest(kind):
                said = {"v": 1, "kind": kind, "id": new_id(), "status": "ok"}
                self.assert_refused("unauthenticated", msgpack.packb(said), b"")
        one = header()
        frame = b"\xc1\x01" + struct.pack("<II", len(one), len(GOOD_BODY)) + one + GOOD_BODY
        self.assert_refused("unauthenticated", frame)

    def test_who_cannot_log_in(self):
        with self.good_client(self.shared):
            for name, frames, code, reason in (
                    ("no body", [hello()[0], b""], "invalid", None),
                    ("unknown role", hello(role="king"), "invalid", None),
                    ("a field of another type", hello(pid="me"), "invalid", None),
                    ("unknown node", hello(node="n9"), "forbidden", None),
                    ("cannot read batches", hello(batch=False), "invalid", None),
                    ("other topology", hello(), "conflict", "other_topology"),
            ):
                with self.subTest(name):
                    reply = self.assert_refused(code, *frames)
                    if reason:
                        self.assertEqual(reason, reply.error["details"]["reason"])

    def test_bytes_that_are_not_zeromq(self):
        port = int(self.shared.endpoints["b1"].rsplit(":", 1)[1])
        greetings = {
            "HTTP": b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
            "TLS": bytes.fromhex("1603010200010001fc0303") + os.urandom(400),
            "garbage": os.urandom(4096),
            "half a greeting": b"\xff\x00\x00\x00\x00\x00\x00\x00\x01\x7f\x03",
            "ZMTP 1": b"\x01\x00\x05\x00hello",
            "nothing": b"",
        }
        with contextlib.ExitStack() as stack, self.good_client(self.shared) as good:
            for greeting in greetings.values():
                for _ in range(20):
                    raw = stack.enter_context(socket.create_connection(("127.0.0.1", port)))
                    raw.sendall(greeting)
            good.await_answers(500)

    def test_a_plain_req_socket_is_served(self):
        with contextlib.closing(self.shared.context.socket(zmq.REQ)) as plain:
            plain.linger, plain.rcvtimeo = 0, int(PATIENCE * 1000)
            plain.connect(self.shared.endpoints["b1"])
            for frames in ([header(), GOOD_BODY], [os.urandom(50)], [header(), GOOD_BODY]):
                plain.send_multipart(frames)
                reply = harness.Reply(plain.recv_multipart())
        self.assertTrue(reply.ok)


class Logins(SystemTest):
    def test_a_worker_with_another_topology_is_refused_and_ends(self):
        system = self.system()
        system.broker()
        system.worker("n1")

        with self.good_client(system):
            stranger = system.run(
                "troupe-worker", "n2", file=system.write("other.yaml", "limits: {body: 32KiB}"))
            refused = stranger.wait_for("broker.refused")
            code = stranger.await_end()

        self.assertEqual("conflict", refused["code"])
        self.assertIn("topology", refused["reason"])
        self.assertEqual(EXIT_REFUSED, code)
        self.assertTrue(stranger.find("worker.refused"))

    def test_a_second_node_of_one_name_waits_for_the_end_of_the_first(self):
        system = self.system(nodes=("n1",))
        system.broker()
        first = system.worker("n1")

        with self.good_client(system):
            second = system.worker("n1", joined=False)
            refused = second.wait_for("broker.refused")
            self.assertIsNone(first.child.poll())
            self.assertEqual("conflict", refused["code"])
            self.assertIn(str(first.pid), refused["reason"])
            first.kill()
            died = time.monotonic()
            second.wait_for("broker.joined")
            self.assertLess(time.monotonic() - died, 2.0)


class Databases(SystemTest):
    def refused_worker(self, system: System) -> str:
        worker = system.worker("n1", joined=False)
        self.assertEqual(EXIT_REFUSED, worker.await_end())
        return worker.wait_for("worker.not_started")["reason"]

    def test_a_corrupt_file_is_named_and_left_as_it_is(self):
        system = self.system(nodes=("n1",))
        system.data.mkdir()
        file = system.data / "notes.db"
        broken = b"SQLite format 3\x00" + os.urandom(8176)
        for content in (broken, os.urandom(8192)):
            file.write_bytes(content)

            reason = self.refused_worker(system)

            self.assertIn("notes", reason)
            self.assertIn("notes.db", reason)
            self.assertEqual(content, file.read_bytes())

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

    def test_a_disk_that_is_full_is_told_and_gone_on_with(self):
        system = self.system(
            {**harness.CAPABILITIES, "notes": f"{{{PATIENT}}}"}, nodes=("n1",))
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
            resource.prlimit(worker.pid, resource.RLIMIT_FSIZE, (
                resource.RLIM_INFINITY, resource.RLIM_INFINITY))
            again = client.call("notes", "add", {"text": str(i) * 20_000}, call_id=refused.id)

        # SQLite tells ENOSPC, for which `unavailable` is meant, from the limit that stands in for it.
        self.assertIn(refused.code, ("unavailable", "internal"), refused)
        self.assertTrue(worker.find("store.turn_failed", capability="notes"))
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
        self.assertEqual([EXIT_WATCHDOG] * 3, codes)
        self.assert_code("crashed", answers[hung])
        self.assertEqual(51, len(answers))
        self.assertEqual([], [answers[each] for each in others if not answers[each].ok])
        # Three times the limit, what it takes to notice, and what a busy machine adds.
        self.assertLess(took, 3 * (0.5 + 1.0) + 5.0)

    def test_one_stopped_inside_a_turn_is_killed_by_who_waits_for_its_lock(self):
        system = self.system(
            {**harness.CAPABILITIES, "notes": "{turn_limit: 500ms}"})
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
