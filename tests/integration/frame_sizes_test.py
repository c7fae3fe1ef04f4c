"""Frames that one side makes and the other does not take: what is in them is refused or set aside in words, and the
link serves everybody else."""

import json
import os
import re
import struct
import subprocess
import threading
import time
import unittest

import msgpack
import zmq

import harness
from harness import BIN, PATIENCE, Reply, SystemTest, new_id

TAKEN = (1 << 20) + 150_000
FITS = 1_100_000
LARGE = 2_000_000


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


class NarrowWorker(threading.Thread):
    """A worker in another language whose socket takes no larger frames than the default `limits.body` needs: its libzmq cuts
    the link at each larger one, and it logs in over a new one."""

    def __init__(self, system: harness.System, capabilities: tuple[str, ...], plan: int):
        super().__init__(daemon=True)
        self._capabilities, self._plan, self._incarnation = capabilities, plan, new_id()
        self._context, self._endpoint = system.context, system.endpoints["b1"]
        self._over = system.context.socket(zmq.PAIR)
        self._over.bind(f"inproc://over-{id(self)}")
        self._ending = system.context.socket(zmq.PAIR)
        self._ending.connect(f"inproc://over-{id(self)}")
        self.logins = 0
        self.events: list[str] = []

    def run(self) -> None:
        while self._serve():
            pass
        self._over.close(0)

    def _serve(self) -> bool:
        """Until the link is cut; False if all is over."""
        self._socket = self._context.socket(zmq.DEALER)
        self._socket.linger, self._socket.maxmsgsize = 0, TAKEN
        monitor = self._socket.get_monitor_socket(zmq.EVENT_DISCONNECTED)
        self._socket.connect(self._endpoint)
        self.logins += 1
        self._log_in()
        poller = zmq.Poller()
        for each in (self._socket, monitor, self._over):
            poller.register(each, zmq.POLLIN)
        ready: dict = {}
        while monitor not in ready and self._over not in ready:
            ready = dict(poller.poll())
            if self._socket in ready:
                for header, body in envelopes_of(self._socket.recv_multipart()):
                    self._take(header, body)
        self._socket.disable_monitor()
        monitor.close(0)
        self._socket.close(0)
        return self._over not in ready

    def end(self) -> None:
        self._ending.send(b"")
        self.join(PATIENCE)
        self._ending.close(0)

    def _say(self, kind: str, body: object, **header: object) -> None:
        self._socket.send_multipart([msgpack.packb({"v": 1, "kind": kind, **header}), msgpack.packb(body)])

    def _log_in(self) -> None:
        self._say("hello", {
            "role": "worker", "node": "n1", "incarnation": self._incarnation, "plan": 0, "batch": True,
            "pid": os.getpid(), "in_flight": [], "shared_plan": self._plan,
            "serves": [{"capability": each, "credit": 8, "inbox": True, "replicas": 1, "breaker": "closed",
                        "retry_after_ms": 0, "events": 8} for each in self._capabilities]})

    def _take(self, header: dict, body: bytes) -> None:
        if header["kind"] == "call":
            self._say("reply", {"seen": len(body)}, id=header["id"], status="ok")
        elif header["kind"] == "ping":
            self._say("pong", {"finished": 0, "busy_ms": 0})
        elif header["kind"] == "event":
            self.events.append(header["op"])
        elif header["kind"] == "assign":
            given = msgpack.unpackb(body)
            self._say("assigned", {
                "capability": given["capability"], "epoch": given["epoch"], "refused": "",
                "partitions": [{"partition": each["partition"], "handled": each["position"], "waiting": []}
                               for each in given["partitions"]]})


class FrameSizes(SystemTest):
    def system_of(self, more: str = "", **capabilities: str) -> harness.System:
        of = self.system(capabilities, nodes=("n1",), more=more)
        self.broker = of.broker()
        return of

    def narrow_worker(self, of: harness.System, *capabilities: str) -> NarrowWorker:
        said = subprocess.run([BIN / "troupe", "check", of.file], capture_output=True, text=True, check=True).stdout
        made = NarrowWorker(of, capabilities, int(re.search(r"digest ([0-9a-f]{16})", said).group(1), 16))
        made.start()
        self.addCleanup(made.end)
        return made

    def test_a_call_that_its_worker_does_not_take_is_answered_and_others_are_served(self):
        of = self.system_of(echo="{actor: echo, store: none}", more="limits: {body: 4MiB}")
        worker = self.narrow_worker(of, "echo")
        client = of.client()
        self.assertTrue(client.call("echo", "echo", {"payload": "small"}).ok)

        large = client.send("echo", "echo", {"payload": "x" * LARGE}, ttl=60_000)
        reply = client.collect([large])[large]
        self.assert_code("internal", reply)
        self.assertIn("node n1 cut its link", reply.error["message"])
        self.broker.wait_for("call_set_aside")
        logins = worker.logins
        self.assertLess(logins, 8)
        self.assertTrue(client.call("echo", "echo", {"payload": "small"}).ok)
        self.assertEqual(logins, worker.logins, "its link stands")

    def test_an_event_that_its_worker_does_not_take_is_a_dead_letter(self):
        of = self.system_of(notes="{actor: notes, subscribes: [note.*]}", more="limits: {body: 4MiB}")
        worker = self.narrow_worker(of, "notes")
        client = of.client()
        for topic, size in (("note.large", LARGE), ("note.small", 10)):
            self.assertTrue(client.call("troupe.publish", topic, {"text": "x" * size}, key="k").ok)
        self.broker.wait_for("event_set_aside")
        self.broker.wait_for("event_buried", cause="internal")
        listed = ""
        until = time.monotonic() + PATIENCE
        while "cut its link" not in listed:  # Until it is on disk.
            self.assertLess(time.monotonic(), until, listed)
            listed = subprocess.run([BIN / "troupe", "dead-letters", "list", of.file, "--json"], capture_output=True,
                                    text=True, check=True).stdout
        self.assertIn("note.large", json.dumps(listed))
        logins = worker.logins
        self.assertLess(logins, 8)
        while "note.small" not in worker.events:
            self.assertTrue(worker.is_alive())
        self.assertTrue(client.call("troupe.broker", "ping").ok)
        self.assertEqual(logins, worker.logins, "its link stands")

    def test_of_two_groups_with_large_events_the_one_that_is_too_large_is_set_aside(self):
        of = self.system_of(notes="{actor: notes, subscribes: [note.large, note.fits]}",
                            others="{actor: notes, subscribes: [note.other, note.small]}",
                            more="limits: {body: 4MiB, memory: 16GiB}")
        client = of.client()
        for topic, size in (("note.other", FITS), ("note.large", LARGE), ("note.fits", FITS)):
            self.assertTrue(client.call("troupe.publish", topic, {"text": "x" * size}).ok)
        worker = self.narrow_worker(of, "notes", "others")
        self.broker.wait_for("event_buried", cause="internal", topic="note.large")
        logins = worker.logins
        self.assertLess(logins, 8)
        worker.events.clear()
        self.assertTrue(client.call("troupe.publish", "note.small", {"text": ""}).ok)
        while "note.small" not in worker.events:
            self.assertTrue(worker.is_alive())
        self.assertEqual(logins, worker.logins, "its link stands")
        set_aside = [each for each in self.broker.events if each["event"] == "event_set_aside"]
        self.assertEqual(["notes"], [each["capability"] for each in set_aside], "what fits was not blamed")

    def test_an_event_at_the_limit_can_be_read(self):
        client = self.system_of(notes="{actor: notes}").client()
        body = {"text": "x" * ((1 << 20) - len(msgpack.packb({"text": ""})) - 4)}  # Its length takes five bytes.
        self.assertEqual(1 << 20, len(msgpack.packb(body)))
        self.assertTrue(client.call("troupe.publish", "note." + "x" * 59, body, key="k" * 256).ok)
        read = client.call("troupe.events", "read", {"patterns": ["note.*"], "after": 0, "count": 10, "wait_ms": 0})
        self.assertTrue(read.ok, read.error)
        self.assertEqual([1 << 20], [len(each["body"]) for each in read.body["events"]])

    def test_an_answer_that_a_client_does_not_take_is_replaced_by_words(self):
        of = self.system_of(echo="{actor: echo, store: none}", more="limits: {body: 4MiB}")
        of.worker()
        peer = of.context.socket(zmq.DEALER)
        self.addCleanup(peer.close, 0)
        peer.maxmsgsize = (1 << 20) + 150_000
        peer.connect(of.endpoints["b1"])
        peer.send_multipart([msgpack.packb({"v": 1, "kind": "hello"}), msgpack.packb(
            {"role": "client", "node": "", "incarnation": new_id(), "plan": 0, "batch": True, "pid": 1, "serves": [],
             "in_flight": [], "body_bytes_max": 1 << 20})])
        self.assertEqual("welcome", self.next_of(peer)[0]["kind"])

        for size, code in ((1_000_000, None), (2_000_000, "internal"), (10, None)):
            header = msgpack.packb({"v": 1, "kind": "call", "id": new_id(), "to": "echo", "op": "echo", "ttl": 10_000})
            body = msgpack.packb({"payload": "x" * size})
            peer.send(b"\xc1\x01" + struct.pack("<II", len(header), len(body)) + header + body)
            reply = Reply([msgpack.packb(each) if isinstance(each, dict) else each for each in self.next_of(peer)])
            self.assertEqual(code, reply.code, size)
        self.assertIn("1048576 are allowed", self.words_of_refusal)

    def next_of(self, peer: zmq.Socket) -> tuple[dict, bytes]:
        """The next envelope that is no PING."""
        while True:
            self.assertTrue(peer.poll(int(PATIENCE * 1000)))
            for header, body in envelopes_of(peer.recv_multipart()):
                if header.get("error"):
                    self.words_of_refusal = header["error"]["message"]
                if header["kind"] != "ping":
                    return header, body


if __name__ == "__main__":
    unittest.main()
