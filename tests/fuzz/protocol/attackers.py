"""Peers that lie to a broker, from several sockets at once: a process of its own beside the good client.

For each line `SECONDS` of its input it lies for so long, and then prints what it said and heard. It reads what it
is told (but for the mute one), so that it can lie about things there are.
"""

import argparse
import contextlib
import json
import os
import socket
import struct
import sys
import time

import msgpack
import zmq

import grammar
from grammar import Grammar, batch, packed

# What the broker is given to do besides its good calls. The pace, and not the machine, bounds it.
ENVELOPES_PER_SECOND = 3_500
# Envelopes of a batch: a frame of 16 keeps the broker's loop for a fraction of a millisecond.
BATCH_MAX = 16
QUEUED_MAX = 1_000


class Peer:
    """A connection, made anew now and then."""

    def __init__(self, context: zmq.Context, endpoint: str, says: Grammar):
        self.context, self.endpoint, self.says = context, endpoint, says
        self.random = says.random
        self.heard = 0
        self.socket = self.connect()

    def connect(self) -> zmq.Socket:
        made = self.context.socket(zmq.DEALER)
        made.linger = 0
        made.sndhwm = made.rcvhwm = QUEUED_MAX
        made.connect(self.endpoint)
        return made

    def reconnect(self) -> None:
        self.socket.close()
        self.socket = self.connect()

    def send(self, *frames: bytes) -> None:
        with contextlib.suppress(zmq.Again):
            self.socket.send_multipart(frames, zmq.NOBLOCK)

    def act(self) -> int:
        """Says something. @return how many envelopes."""
        raise NotImplementedError

    def hear(self) -> None:
        with contextlib.suppress(zmq.Again):
            for _ in range(200):
                self.take(self.socket.recv_multipart(zmq.NOBLOCK))
                self.heard += 1

    def take(self, frames: list[bytes]) -> None:
        pass


class Stranger(Peer):
    """Calls, and whatever else, without a login; in every framing, under a routing id of its own at times."""

    def connect(self) -> zmq.Socket:
        made = super().connect()
        if self.says.chance(30):
            made.disconnect(self.endpoint)
            made.routing_id = self.random.choice((b"same", self.random.randbytes(5), b"n1", b"\1" * 255))
            made.connect(self.endpoint)
        return made

    def act(self) -> int:
        head, body = self.says.call() if self.says.chance(85) else self.says.anything()
        draw = self.random.randrange(100)
        if draw < 60:
            self.send(head, body)
        elif draw < 90:
            self.send(b"", head, body)
        else:
            self.send(*self.random.choice((
                (head,), (b"", head), (b"",), (head, body, body), (body, head), (b"", b"", head, body),
                (batch([(head, body)]),), (self.random.randbytes(40),), (head,) * 30)))
        if self.says.chance(0.5):
            self.reconnect()
        return 1


class Mute(Stranger):
    """Asks and reads nothing, until it leaves."""

    def act(self) -> int:
        if self.says.chance(0.4):
            self.reconnect()
        self.send(*self.says.call())
        return 1

    def hear(self) -> None:
        pass


class Member(Peer):
    """Is logged in, as a worker of the fuzzer's nodes or as a client, and speaks in batches."""

    def __init__(self, context: zmq.Context, endpoint: str, says: Grammar, role: str, node: str):
        self.role, self.node = role, node
        self.answers: list[tuple[bytes, bytes]] = []
        super().__init__(context, endpoint, says)

    def connect(self) -> zmq.Socket:
        if self.says.chance(50):
            self.says.incarnation = self.says.fresh_id()
        self.socket = super().connect()
        self.send(*self.login())
        return self.socket

    def login(self) -> tuple[bytes, bytes]:
        if self.says.chance(5):  # As somebody else, of another topology.
            head, body = self.says.hello(self.role, self.random.choice(("n1", "f9", self.says.text())))
            return head, body.replace(packed(self.says.plan), packed(self.says.plan ^ 1))
        return self.says.hello(self.role, self.node)

    def act(self) -> int:
        count = self.random.randrange(1, BATCH_MAX)
        said = self.answers[:count]
        del self.answers[:count]
        while len(said) < count:
            said.append(self.says.said_by_worker() if self.role == "worker" or self.says.chance(30)
                        else self.says.call())
        frame = batch(said)
        if self.says.chance(2):
            frame = frame[:self.random.randrange(2, len(frame))]
        self.send(frame)
        draw = self.random.random() * 100
        if draw < 1:
            self.reconnect()
        elif draw < 2:
            self.send(*self.says.envelope("bye", b""))
        elif draw < 4:
            self.send(*self.login())
        return count

    def take(self, frames: list[bytes]) -> None:
        if len(frames) != 1:
            return self.told(*(frames + [b"", b""])[:2])
        rest = frames[0][2:]
        while len(rest) >= 8:
            head, body = struct.unpack_from("<II", rest)
            self.told(rest[8:8 + head], rest[8 + head:8 + head + body])
            rest = rest[8 + head + body:]

    def told(self, head: bytes, body: bytes) -> None:
        """Plays the worker, most of the time, so that its lies are believed for a while."""
        try:
            keys = msgpack.unpackb(head, unicode_errors="replace")
        except (ValueError, TypeError):
            return  # Keys that nobody knows are passed on, whatever they hold: the msgpack of Python chokes on it.
        kind, call_id = keys["kind"], keys.get("id")
        if call_id:
            self.says.remember(call_id)
        if kind == "reply" and keys.get("error", {}).get("code") == "unauthenticated" and self.says.chance(50):
            self.send(*self.login())
        elif kind == "ping" and self.says.chance(95):
            self.answers.append(self.says.pong())
        elif kind == "call" and self.says.chance(80):
            self.answers.append(self.says.reply(call_id))
        elif kind == "assign":
            self.assigned(msgpack.unpackb(body))
        elif kind == "event" and self.says.chance(80):
            self.answers.append(self.says.envelope("handled", {
                "capability": keys["to"], "upto": [{"partition": part, "position": keys["seq"]}
                                                   for part in range(grammar.PARTITIONS)],
                "waiting": [], "done": []}))

    def assigned(self, what: dict) -> None:
        self.says.epochs[what["capability"]] = what["epoch"]
        if self.says.chance(70):
            self.answers.append(self.says.envelope("assigned", {
                "capability": what["capability"], "epoch": what["epoch"], "refused": "",
                "partitions": [{"partition": each["partition"], "handled": each["position"], "waiting": []}
                               for each in what["partitions"]]}))


class Raw:
    """Bytes that are not ZeroMQ, or stop in the middle of it."""

    GREETING = b"\xff" + bytes(7) + b"\x01\x7f\x03\x00NULL" + bytes(48)

    def __init__(self, endpoint: str, says: Grammar):
        host, port = endpoint.removeprefix("tcp://").rsplit(":", 1)
        self.address, self.says = (host, int(port)), says
        self.open: list[socket.socket] = []
        self.heard = 0

    def act(self) -> int:
        with contextlib.suppress(OSError):
            made = socket.create_connection(self.address, timeout=1)
            made.setblocking(False)
            self.open.append(made)
            made.send(self.says.random.choice((
                b"", b"GET / HTTP/1.1\r\n\r\n", self.GREETING, self.GREETING[:20], self.says.random.randbytes(300),
                self.GREETING + b"\x04\x19\x05READY\x0bSocket-Type\x00\x00\x00\x03DEA",
                self.GREETING + b"\x06\xff" + b"\xff" * 8)))
        while len(self.open) > 8:
            self.open.pop(0).close()
        return 1

    def hear(self) -> None:
        pass


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--endpoint", required=True)
    parser.add_argument("--plan", type=int, required=True)
    parser.add_argument("--seed", required=True)
    words = parser.parse_args()
    os.nice(10)
    context = zmq.Context()

    def says(name: str) -> Grammar:
        return Grammar(f"{words.seed} {name}", words.plan)

    def made(kind: type, name: str, *more: str) -> Peer:
        return kind(context, words.endpoint, says(name), *more)

    peers = [made(Stranger, "s1"), made(Stranger, "s2"), made(Mute, "m1"), made(Member, "c1", "client", "c1"),
             made(Member, "c2", "client", "c1"), made(Member, "w1", "worker", "f1"),
             made(Member, "w2", "worker", "f2"), made(Member, "w3", "worker", "f2")]
    raw = Raw(words.endpoint, says("raw"))
    order = says("order")
    for line in sys.stdin:
        began = time.monotonic()
        until, said = began + float(line), 0
        while (now := time.monotonic()) < until:
            peer = raw if order.chance(0.5) else order.random.choice(peers)
            said += peer.act()
            for each in peers:
                each.hear()
            ahead = began + said / ENVELOPES_PER_SECOND - now
            if ahead > 0:
                poller = zmq.Poller()
                for each in peers:
                    if not isinstance(each, Mute):
                        poller.register(each.socket, zmq.POLLIN)
                poller.poll(ahead * 1000)
        print(json.dumps({"said": said, "heard": sum(each.heard for each in peers)}), flush=True)
        for each in peers:
            each.heard = 0
    context.destroy(linger=0)


if __name__ == "__main__":
    main()
