"""What is no message, a wrong one, or from a stranger: each gets a typed error, hurts nobody else (a
good client's calls run meanwhile), and ends no process."""

import contextlib
import os
import socket
import struct
import time
import unittest

import msgpack
import zmq

import harness
from harness import PATIENCE, Client, System, SystemTest, new_id

BODY_MAX = 64 * 1024
HEADER_MAX = 16 * 1024
EXIT_REFUSED = 69


def header(**keys: object) -> bytes:
    """A call's header that is good but for `keys`; a key that is None is left out."""
    made = {"v": 1, "kind": "call", "id": new_id(), "to": "echo", "op": "echo", "ttl": 5000, **keys}
    return msgpack.packb({key: value for key, value in made.items() if value is not None})


def hello(**fields: object) -> list[bytes]:
    body = {"role": "worker", "node": "n1", "incarnation": new_id(), "plan": 0, "batch": True,
            "pid": 1, "serves": [], "in_flight": [], **fields}
    return [msgpack.packb({"v": 1, "kind": "hello"}), msgpack.packb(body)]


GOOD_BODY = msgpack.packb({"payload": "x"})


def id_of(millis: int) -> bytes:
    """A UUIDv7 made at that time."""
    return millis.to_bytes(6, "big") + new_id()[6:]


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
        now, day = int(time.time() * 1000), 24 * 3600 * 1000
        random_id = bytearray(os.urandom(16))
        random_id[6] = 0x40 | random_id[6] & 0x0F
        for name, code, call_id in (
                # The clock that is wrong may be the worker's.
                ("two hours ahead", "unavailable", id_of(now + day // 12)),
                # 2^64 nanoseconds ahead.
                ("of another millennium", "invalid", id_of(now + 18_446_744_073_709)),
                ("of version 4", "invalid", bytes(random_id))):
            with self.subTest(name):
                self.assert_refused(
                    code, header(to="notes", op="add", id=call_id), msgpack.packb({"text": "x"}))
        # Nothing of its age is forgotten yet, so it is no repeat.
        old = self.answer_to(header(to="notes", op="add", id=id_of(now - 8 * day)),
                             msgpack.packb({"text": "x"}))
        self.assertTrue(old.ok, old)

    def test_a_frame_beyond_the_limit_ends_that_connection_only(self):
        with self.good_client(self.shared):
            self.client.send_raw(header(), bytes(2 * 1024 * 1024))
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
                for _ in range(40):
                    raw = stack.enter_context(socket.create_connection(("127.0.0.1", port)))
                    raw.sendall(greeting)
            good.await_answers(500)
            self.assertTrue(self.client.call("echo", "echo", {"payload": "new"}).ok)

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


if __name__ == "__main__":
    unittest.main()
