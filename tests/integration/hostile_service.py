"""A service with a key, and right to little, that tries whatever it can think of: hostile_service_test.py runs it.

It attacks from each line `attack` of its input to the next `stop`, and says how often it has tried what. From `compute`
to `stop` it takes as much of the processor and leaves the broker alone."""

import itertools
import json
import pathlib
import random
import socket
import sys
import threading
import time

import msgpack
import zmq

from harness import HIGH_WATER, new_id
from secured_systems import keys_in



class Hostile:
    def __init__(self, endpoint: str, open_endpoint: str, keys: pathlib.Path, name: str, token: str):
        self.endpoint, self.open_endpoint, self.name, self.token = endpoint, open_endpoint, name, token
        self.own = keys_in(keys / f"{name}.pub")[0], keys_in(keys / f"{name}.key")[0]
        self.broker = keys_in(keys / "b1.pub")[0]
        host, port = endpoint.removeprefix("tcp://").split(":")
        self.address = host, int(port)
        self.context = zmq.Context()
        self.context.set(zmq.MAX_SOCKETS, 4_000)
        self.random = random.Random(7)
        self.raw: list[socket.socket] = []
        self.strangers: list[zmq.Socket] = []
        self.tried: dict[str, int] = {}
        self.links = [self.link() for _ in range(4)]
        self.quiet = self.link()  # Reads nothing.
        for each in (*self.links, self.quiet):
            self.log_in(each)

    def link(self, pair: tuple[bytes, bytes] | None = None, routing_id: bytes = b"") -> zmq.Socket:
        made = self.context.socket(zmq.DEALER)
        made.linger = 0
        made.sndhwm = made.rcvhwm = HIGH_WATER
        made.sndtimeo = 20
        if routing_id:
            made.routing_id = routing_id
        made.curve_publickey, made.curve_secretkey = pair or self.own
        made.curve_serverkey = self.broker
        made.connect(self.endpoint)
        return made

    def hello(self, node: str, role: str = "client", **more: object) -> list[bytes]:
        return [msgpack.packb({"v": 1, "kind": "hello"}), msgpack.packb(
            {"role": role, "node": node, "incarnation": new_id(), "plan": 0, "batch": False, "pid": 1,
             "serves": [], "in_flight": [], "token": self.token, **more})]

    def log_in(self, link: zmq.Socket) -> None:
        link.send_multipart(self.hello(self.name))

    def send(self, *frames: bytes) -> None:
        try:
            self.random.choice(self.links).send_multipart(frames)
        except zmq.Again:
            pass

    def call(self, to: str, op: str, body: bytes = b"\x80", **header: object) -> list[bytes]:
        return [self.header(**{"to": to, "op": op, **header}), body]

    @staticmethod
    def header(**more: object) -> bytes:
        return msgpack.packb({"v": 1, "kind": "call", "id": new_id(), "to": "mine", "op": "echo", "ttl": 1_000, **more})

    # What is no message, or none that may be sent (F49 to F54).

    def nonsense(self) -> None:
        good = self.call("echo", "echo")[0]
        self.send(self.random.randbytes(self.random.randrange(1, 300)), b"\x80")
        self.send(good[:self.random.randrange(len(good))], b"\x80")
        self.send(b"")
        self.send(b"", b"", b"")
        self.send(*[b"x"] * 2_000)
        self.send(good, b"\x80", b"surplus")

    def bombs(self) -> None:
        for body in (b"\xdd\xff\xff\xff\xff", b"\xdc\xff\xff" * 20_000, b"\x91" * 100_000, b"\xdb\x40\x00\x00\x00",
                     b"\xdf\xff\xff\xff\xff", b"\x80\x80"):
            self.send(*self.call("mine", "echo", body))
            self.send(body, b"\x80")

    def strange_headers(self) -> None:
        for more in ({"v": 99}, {"kind": "nothing"}, {"ttl": -1}, {"ttl": "x"}, {"id": b"short"}, {"to": ""},
                     {"to": "x" * 300}, {"op": "\0"}, {"key": "k" * 5_000}, {"traceparent": "t" * 4_000},
                     {"id": b"\0" * 16}, {"id": b"\xff" * 16}, {f"unknown{i}": i for i in range(100)}):
            self.send(self.header(**more), b"\x80")

    def beyond_the_limit(self) -> None:
        """Ends the connection, which is made anew."""
        link = self.links.pop()
        try:
            link.send(b"\0" * (8 << 20))
        except zmq.Again:
            pass
        link.close()
        self.links.append(self.link())
        self.log_in(self.links[-1])

    # What others may, and it may not (F58, F59, P3, P8, P14).

    def what_is_forbidden(self) -> None:
        for to, op in (("echo", "echo"), ("troupe.broker", "status"), ("troupe.broker", "describe"),
                       ("troupe.events", "topics"), ("troupe.events", "dead_letters"), ("troupe.node.n1", "status"),
                       ("troupe.node.n1", "force_breaker"), ("troupe.publish", "order.paid"),
                       ("troupe.publish", "troupe.flags"), ("troupe.events", "spans"), ("nobody", "nothing")):
            self.send(*self.call(to, op, source="operator"))
        for pattern in ("*", "#", "", "order.", "order.*", "order.\0", "troupe.*"):
            self.send(*self.call("troupe.events", "read", msgpack.packb(
                {"patterns": [pattern], "count": 100, "wait_ms": 60_000, "from": "oldest"})))
        self.send(*self.call("troupe.events", "schedule", msgpack.packb(
            {"topic": "order.paid", "key": "", "body": b"\x80", "after": 1})))

    def other_names(self) -> None:
        for role, node in (("worker", "n1"), ("worker", self.name), ("client", "operator"), ("worker", "x" * 200)):
            self.send(*self.hello(node, role, batch=True))

    def what_is_said_of_others(self) -> None:
        for kind in ("reply", "relay", "handled", "assigned", "outbox", "state", "pong", "event", "assign", "welcome"):
            self.send(msgpack.packb({"v": 1, "kind": kind, "id": new_id(), "to": "echo", "op": "order.paid", "seq": 1,
                                     "status": "ok"}), msgpack.packb({"draining": True, "serves": []}))

    def bad_tokens(self) -> None:
        bad = self.token[:-8] + "AAAAAAAA"
        self.send(msgpack.packb({"v": 1, "kind": "state", "id": new_id()}),
                  msgpack.packb({"draining": False, "serves": [], "token": bad}))
        self.send(*self.hello(self.name, token=bad))
        self.send(*self.hello(self.name))

    # More than its share (F41, F42, F45).

    def floods(self) -> None:
        repeated = new_id()
        for _ in range(40):
            self.send(*self.call("mine", "echo", msgpack.packb({"payload": "x" * 1_000}), ttl=1))
            self.send(*self.call("troupe.broker", "ping"))
            self.send(*self.call("mine", "echo", msgpack.packb({"payload": str(time.time())}), id=repeated))

    def unread_answers(self) -> None:
        body = msgpack.packb({"payload": "x" * 60_000})
        for _ in range(10):
            try:
                self.quiet.send_multipart(self.call("mine", "echo", body))
            except zmq.Again:
                return

    # At the door (F49, F57, P1, P2, P4).

    def connections_that_say_little(self) -> None:
        hellos = (b"", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
                  b"\xff" + b"\0" * 8 + b"\x7f\x03\x00CURVE", b"\x01\x00", self.random.randbytes(64))
        for said in hellos:
            try:
                made = socket.create_connection(self.address, timeout=1)
                made.sendall(said)
                self.raw.append(made)
            except OSError:
                pass
        while len(self.raw) > 100:
            self.raw.pop(0).close()

    def keys_of_nobody(self) -> None:
        for pair, routing_id in ((zmq.curve_keypair(), b""), (None, b"n1")):
            try:
                link = self.link(pair, routing_id)
            except zmq.ZMQError:  # Those before are not closed yet.
                return
            self.strangers.append(link)
            try:
                link.send_multipart(self.call("echo", "echo"), zmq.DONTWAIT)
            except zmq.Again:
                pass
        while len(self.strangers) > 20:
            self.strangers.pop(0).close()

    def read_answers(self) -> None:
        for link in self.links:
            for _ in range(2_000):
                try:
                    link.recv_multipart(zmq.DONTWAIT)
                except zmq.Again:
                    break

    @staticmethod
    def compute(is_over: threading.Event) -> None:
        while not is_over.is_set():
            sum(range(10_000))

    def attack(self, is_over: threading.Event) -> None:
        kinds = [self.nonsense, self.bombs, self.strange_headers, self.beyond_the_limit, self.what_is_forbidden,
                 self.other_names, self.what_is_said_of_others, self.bad_tokens, self.floods, self.unread_answers,
                 self.connections_that_say_little, self.keys_of_nobody]
        for kind in itertools.cycle(kinds):
            if is_over.is_set():
                break
            kind()
            self.tried[kind.__name__] = self.tried.get(kind.__name__, 0) + 1
            self.read_answers()


def main() -> None:
    endpoint, open_endpoint, keys, name, token = sys.argv[1:]
    hostile = Hostile(endpoint, open_endpoint, pathlib.Path(keys), name, token)
    print("ready", flush=True)
    while (word := sys.stdin.readline().strip()) in ("attack", "compute"):
        is_over = threading.Event()
        worker = threading.Thread(target=hostile.attack if word == "attack" else hostile.compute, args=(is_over,))
        worker.start()
        sys.stdin.readline()
        is_over.set()
        worker.join()
        print(json.dumps(hostile.tried), flush=True)
    hostile.context.destroy(linger=0)


if __name__ == "__main__":
    main()
