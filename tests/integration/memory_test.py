"""A broker stays within `limits.memory`, whichever of its stores a peer fills, and serves others meanwhile."""

import os
import pathlib
import re
import struct
import subprocess
import time
import unittest

import msgpack
import zmq

from harness import BIN, PATIENCE, Client, SystemTest, new_id

MEMORY_KB = 64 * 1024
BODY = 60_000
SUBSCRIBERS = 20
CAPABILITIES = {
    "echo": "{actor: echo, store: none, bulkhead: {in_flight: 64, queue: 700}}",
    **{f"away{n}": f"{{actor: notes, subscribes: [note.n{n}], bulkhead: {{in_flight: 1, queue: 1}}}}"
       for n in range(SUBSCRIBERS)}}


def peak_kb(pid: int) -> int:
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"^VmHWM:\s*(\d+) kB$", status, re.MULTILINE).group(1))


def batch(envelopes: list[tuple[bytes, bytes]]) -> bytes:
    return b"\xc1\x01" + b"".join(
        struct.pack("<II", len(header), len(body)) + header + body for header, body in envelopes)


def envelopes_of(frames: list[bytes]) -> list[tuple[dict, bytes]]:
    """What a broker sent: a batch, or one envelope."""
    if frames[0][:2] != b"\xc1\x01":
        return [(msgpack.unpackb(frames[0]), frames[1])]
    rest, found = frames[0][2:], []
    while rest:
        header, body = struct.unpack("<II", rest[:8])
        found.append((msgpack.unpackb(rest[8:8 + header]), rest[8 + header:8 + header + body]))
        rest = rest[8 + header + body:]
    return found


class Memory(SystemTest):
    def setUp(self):
        self.of = self.system(CAPABILITIES, nodes=("n1",),
                              more="limits: {body: 64KiB, memory: 64MiB}")
        self.process = self.of.broker()
        self.client = self.of.client()
        self.assertTrue(self.client.call("troupe.broker", "status").ok)
        self.before = peak_kb(self.process.pid)

    def tearDown(self):
        grown = peak_kb(self.process.pid) - self.before
        self.assertLess(grown, MEMORY_KB, "the broker takes more than limits.memory")
        self.assertTrue(self.client.call("troupe.broker", "ping").ok)

    def counters(self) -> dict:
        return self.of.status(self.client)["counters"]

    def log_in(self, role: str, **more: object) -> zmq.Socket:
        """A connection whose HELLO was taken."""
        peer = self.of.context.socket(zmq.DEALER)
        self.addCleanup(peer.close, 0)
        peer.connect(self.of.endpoints["b1"])
        hello = {"role": role, "node": "n1", "incarnation": new_id(), "plan": 0, "batch": True,
                 "pid": os.getpid(), "serves": [], "in_flight": [], **more}
        peer.send_multipart([msgpack.packb({"v": 1, "kind": "hello"}), msgpack.packb(hello)])
        self.assertTrue(peer.poll(int(PATIENCE * 1000)))
        self.assertEqual("welcome", envelopes_of(peer.recv_multipart())[0][0]["kind"])
        return peer

    def fake_worker(self) -> zmq.Socket:
        said = subprocess.run([BIN / "troupe", "check", self.of.file], capture_output=True, text=True,
                              check=True).stdout
        digest = int(re.search(r"digest ([0-9a-f]{16})", said).group(1), 16)
        return self.log_in("worker", shared_plan=digest, serves=[{
            "capability": "echo", "credit": 64, "inbox": True, "replicas": 1, "breaker": "closed",
            "retry_after_ms": 0, "events": 0}])

    def test_answers_that_nobody_reads(self):
        for i in range(20):
            self.assertTrue(self.client.call("troupe.publish", "t.x", {"text": "y" * BODY}).ok, i)
        idle = self.of.context.socket(zmq.DEALER)
        self.addCleanup(idle.close, 0)
        idle.rcvhwm = 1
        idle.connect(self.of.endpoints["b1"])
        read = {"patterns": ["*"], "after": None, "from": "oldest", "count": 100, "wait_ms": 0}
        for _ in range(100):
            for _ in range(50):
                idle.send_multipart([
                    msgpack.packb({"v": 1, "kind": "call", "id": new_id(), "to": "troupe.events",
                                   "op": "read", "ttl": 5000}), msgpack.packb(read)])
            self.assertTrue(self.client.call("troupe.events", "read", read).ok)

        until = time.monotonic() + PATIENCE
        while self.counters()["unread"] == 0:
            self.assertLess(time.monotonic(), until, "no answer was omitted")

    def test_buffers_of_clients_that_have_read_their_answers_and_stay(self):
        for i in range(20):
            self.assertTrue(self.client.call("troupe.publish", "t.x", {"text": "y" * BODY}).ok, i)
        read = msgpack.packb({"patterns": ["*"], "after": None, "from": "oldest", "count": 100, "wait_ms": 0})
        for _ in range(150):
            client = self.log_in("client")
            client.send(batch([(msgpack.packb({"v": 1, "kind": "call", "id": new_id(), "to": "troupe.events", "op": "read",
                                               "ttl": 5000}), read)]))
            kinds: list[str] = []
            while "reply" not in kinds:
                self.assertTrue(client.poll(int(PATIENCE * 1000)))
                kinds += [header["kind"] for header, body in envelopes_of(client.recv_multipart())]

    def test_reads_that_wait(self):
        greedy = self.of.client()
        patterns = [f"topic_of_this_greedy_reader_number_{i}.*" for i in range(256)]
        read = {"patterns": patterns, "after": None, "from": "new", "count": 1, "wait_ms": 60_000}
        for _ in range(2_000):
            greedy.send("troupe.events", "read", read, ttl=60_000)
        self.assert_code("overloaded", greedy.receive())

        other = self.of.client()
        asked = other.send("troupe.events", "read",
                           {**read, "patterns": ["t.*"], "after": 0, "from": None}, ttl=60_000)
        self.assertTrue(self.client.call("troupe.publish", "t.x", {"n": 1}).ok)
        self.assertTrue(other.collect([asked])[asked].ok)

        # Reads of a client that is gone make room: half of what all may have, for the next.
        greedy.socket.close()
        until = time.monotonic() + PATIENCE
        refused = True
        while refused:
            self.assertLess(time.monotonic(), until, "reads of a client that is gone still wait")
            fresh = Client(self.of.context, self.of.endpoints["b1"])
            ids = [fresh.send("troupe.events", "read", read, ttl=60_000) for _ in range(25)]
            refused = any(not each.ok for each in fresh.collect(ids, 0.5).values())
            fresh.close()

    def test_scheduled_events_that_are_due_at_once(self):
        body = msgpack.packb({"text": "y" * (BODY - 500)})
        at = int(time.time() * 1000) + 3_000
        count = 0
        while count < 1_200:
            ids = [self.client.send("troupe.events", "schedule",
                                    {"topic": "t.x", "key": "", "body": body, "at": at, "after": None},
                                    ttl=30_000) for _ in range(20)]
            count += sum(reply.ok for reply in self.client.collect(ids).values())

        read = {"patterns": ["t.x"], "after": 0, "from": None, "count": 1_000, "wait_ms": 10_000}
        came = 0
        until = time.monotonic() + 2 * PATIENCE
        while came < count:
            self.assertLess(time.monotonic(), until, f"{came} of {count} were published")
            page = self.client.call("troupe.events", "read", read, ttl=15_000).body
            came += len(page["events"])
            read["after"] = page["next"]

    def test_events_of_subscribers_that_are_away(self):
        # Each may have 8 MiB, and all of them together no more than their share.
        for number in range(SUBSCRIBERS):
            for _ in range(5):
                ids = [self.client.send("troupe.publish", f"note.n{number}", {"text": "z" * (BODY - 500)}, ttl=30_000)
                       for _ in range(26)]
                self.assertTrue(all(reply.ok for reply in self.client.collect(ids).values()))

    def test_calls_that_are_answered_later_and_buffers_of_calls_that_are_over(self):
        worker = self.fake_worker()
        body = {"payload": "x" * BODY}
        pending = overloaded = 0
        # In groups, as each delivery has to be answered before the next.
        for _ in range(40):
            ids = {self.client.send("echo", "say", body, ttl=4_000_000_000) for _ in range(50)}
            until = time.monotonic() + PATIENCE
            while ids:
                self.assertLess(time.monotonic(), until, "a call was not delivered")
                if not worker.poll(1_000):
                    continue
                taken = [header["id"] for header, _ in envelopes_of(worker.recv_multipart())
                         if header["kind"] == "call"]
                worker.send(batch([
                    (msgpack.packb({"v": 1, "kind": "reply", "id": each, "status": "pending"}), b"")
                    for each in taken] + [(msgpack.packb({"v": 1, "kind": "pong"}),
                                           msgpack.packb({"finished": 0, "busy_ms": 0}))]))
                pending += len(taken)
                ids -= set(taken)
        while (reply := self.client.receive(0)) is not None:
            self.assert_code("overloaded", reply)
            self.assertEqual("unknown", reply.error["effect"])
            overloaded += 1
        self.assertGreater(overloaded, 1_000)
        self.assertLess(overloaded, pending)

    def test_calls_that_wait(self):
        greedy = self.of.client()
        for i in range(1_500):
            greedy.send("echo", "say", {"payload": "x" * BODY}, ttl=60_000)
            if i % 50 == 0:  # No more of them is on the way than that.
                self.assertTrue(greedy.call("troupe.broker", "ping").ok)
        self.assertTrue(any(reply.code == "overloaded"
                            for replies in greedy.answers.values() for reply in replies))

    def test_messages_that_are_not_looked_at(self):
        flood = self.log_in("client")
        frame = batch([(b"", b"")] * 100_000)
        gaps = []
        for _ in range(60):
            flood.send(frame)
        for _ in range(50):
            began = time.monotonic()
            self.assertTrue(self.client.call("troupe.broker", "ping").ok)
            gaps.append(time.monotonic() - began)
        self.assertLess(max(gaps), 2, "others had to wait")
        self.process.wait_for("messages_dropped")


if __name__ == "__main__":
    unittest.main()
