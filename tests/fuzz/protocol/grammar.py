"""What may be said to a broker, right or wrong: envelopes drawn from a random source.

Most of an envelope is right, so that it gets far; some field of it is a lie, or some of its bytes are others.
"""

import os
import random
import struct
import time

import msgpack

# Capabilities of the good client's system: what nobody but their own workers may disturb.
GOOD = ("echo", "notes")
# Those of the nodes that the fuzzer plays.
OWN = ("decoy", "diary")
OWN_NODES = ("f1", "f2")
BROKER = ("troupe.broker", "troupe.events", "troupe.publish")
TOPICS = ("note.taken", "order.created", "a.b.c", "x")
KINDS = ("call", "reply", "hello", "welcome", "ping", "pong", "state", "roster", "bye", "outbox", "relay",
         "confirmed", "resend", "assign", "assigned", "event", "handled", "buried")
CODES = ("rejected", "invalid", "conflict", "unknown_operation", "unauthenticated", "overloaded",
         "circuit_open", "unavailable", "deadline_exceeded", "crashed", "internal", "tired")
PARTITIONS = 64
REMEMBERED_MAX = 512


def packed(value: object) -> bytes:
    return msgpack.packb(value, use_bin_type=True)


def batch(envelopes: list[tuple[bytes, bytes]]) -> bytes:
    return b"\xc1\x01" + b"".join(
        struct.pack("<II", len(head), len(body)) + head + body for head, body in envelopes)


class Grammar:
    """Draws envelopes. What was heard is remembered, so that lies are about things there are."""

    def __init__(self, seed: str, plan: int):
        self.random = random.Random(seed)
        self.plan = plan
        self.incarnation = self.fresh_id()
        # Ids that the broker named, or that were sent to it.
        self.ids: list[bytes] = [self.fresh_id()]
        self.epochs: dict[str, int] = {}

    def remember(self, call_id: bytes) -> None:
        if len(self.ids) >= REMEMBERED_MAX:
            self.ids[self.random.randrange(REMEMBERED_MAX)] = call_id
        else:
            self.ids.append(call_id)

    def chance(self, percent: float) -> bool:
        return self.random.random() * 100 < percent

    # --- Values -----------------------------------------------------------------------------------

    def fresh_id(self) -> bytes:
        tail = bytearray(self.random.randbytes(10))
        tail[0], tail[2] = tail[0] & 0x0F | 0x70, tail[2] & 0x3F | 0x80
        return (time.time_ns() // 1_000_000).to_bytes(6, "big") + bytes(tail)

    def some_id(self) -> bytes:
        draw = self.random.randrange(20)
        if draw < 10:
            return self.fresh_id()
        if draw < 16:
            return self.random.choice(self.ids)
        return self.random.choice((
            bytes(16), b"\xff" * 16, self.random.randbytes(16), bytes(6) + self.random.randbytes(10)))

    def text(self) -> str:
        return self.random.choice(("", "x", "é" * 30, "a" * 64, "b" * 65, "c" * 300, "\0", "note.taken",
                                   "troupe.", "*", "../x", self.random.randbytes(6).hex()))

    def number(self) -> int:
        return self.random.choice((0, 1, 2, 63, 64, 255, 2**31, 2**32 - 1, 2**32, 2**63 - 1, 2**64 - 1, -1,
                                   -2**63, self.random.randrange(1, 2000)))

    def count(self) -> int:
        return self.random.choice((0, 1, 1, 2, 8, 100, 2**32 - 1))

    def value(self, depth: int = 0) -> object:
        draw = self.random.randrange(10 if depth < 3 else 7)
        if draw < 7:
            return (None, True, self.number(), self.text(), self.some_id(), 0.5, float("nan"))[draw]
        if draw < 9:
            return [self.value(depth + 1) for _ in range(self.random.randrange(4))]
        return {self.text(): self.value(depth + 1) for _ in range(3)}

    def topic(self) -> str:
        return self.random.choice(TOPICS) if self.chance(80) else self.text()

    def some_capability(self) -> str:
        draw = self.random.randrange(20)
        return self.random.choice(OWN if draw < 10 else GOOD if draw < 17 else (self.text(), *BROKER))

    def lied(self, fields: dict) -> dict:
        """Sometimes with a field of another value, without one, or with one more."""
        if fields and self.chance(6):
            fields[self.random.choice(list(fields))] = self.value()
        if fields and self.chance(2):
            del fields[self.random.choice(list(fields))]
        if self.chance(2):
            fields[self.text()] = self.value()
        return fields

    def spoiled(self, data: bytes) -> bytes:
        """Sometimes with other bytes."""
        if not data or not self.chance(3):
            return data
        changed = bytearray(data)
        for _ in range(self.random.randrange(1, 4)):
            at = self.random.randrange(len(changed) + 1)
            draw = self.random.randrange(4)
            if draw == 0:
                changed[at:at] = self.random.randbytes(1)
            elif draw == 1:
                del changed[at:at + self.random.randrange(1, 9)]
            elif draw == 2:
                changed[at:at] = changed[at:at + 16]
            elif at < len(changed):
                changed[at] = self.random.randrange(256)
        return bytes(changed)

    def envelope(self, kind: str, body: object, **keys: object) -> tuple[bytes, bytes]:
        head = self.lied({"v": 1, "kind": kind, **keys})
        made = body if isinstance(body, bytes) else packed(self.lied(body) if isinstance(body, dict) else body)
        return self.spoiled(packed(head)), self.spoiled(made)

    # --- Messages ---------------------------------------------------------------------------------

    def call(self) -> tuple[bytes, bytes]:
        to, op, body = self.request()
        call_id = self.some_id()
        self.remember(call_id)
        keys = {"id": call_id, "to": to, "op": op, "ttl": self.random.choice((0, 1, 20, 200, 2_000, 60_000))}
        for optional in ("key", "source", "traceparent"):
            if self.chance(20):
                keys[optional] = self.text()
        return self.envelope("call", body, **keys)

    def request(self) -> tuple[str, str, object]:
        draw = self.random.randrange(12)
        if draw < 3:
            return self.random.choice(OWN), self.random.choice(("echo", "add", self.text())), self.value()
        if draw < 5:
            return self.random.choice((*GOOD, self.text())), self.random.choice(("ekho", "count", "echo", "")), \
                {"payload": self.text()}
        if draw < 6:
            return f"troupe.node.{self.random.choice(('n1', 'f1', 'f9'))}", \
                self.random.choice(("status", "describe", "breaker", "sagas", "x")), \
                {"capability": self.some_capability(), "count": self.count()}
        if draw < 8:
            return "troupe.publish", self.topic(), {"text": self.text()}
        if draw < 9:
            return "troupe.broker", self.random.choice(("ping", "status", "x")), {}
        return "troupe.events", *self.events_request()

    def events_request(self) -> tuple[str, dict]:
        patterns = [self.random.choice(("*", "note.*", "a.b.c", self.text()))
                    for _ in range(self.random.randrange(1, 4))]
        op = self.random.choice(("read", "topics", "schedule", "dead_letters", "dead_letter",
                                 "retry_dead_letter", "drop_dead_letter", "x"))
        return op, {
            "read": {"patterns": patterns, "count": self.random.randrange(1, 20),
                     "wait_ms": self.random.choice((0, 10, 500)),
                     **self.random.choice(({"after": self.number()}, {"from": "oldest"}, {"from": self.text()}))},
            "topics": {"after": self.text()},
            "schedule": {"topic": self.topic(), "key": self.text(), "body": packed({"text": "later"}),
                         **self.random.choice(({"after": self.random.randrange(2_000)}, {"at": self.number()}))},
            "dead_letters": {"capability": self.some_capability(), "after": self.some_id(),
                             "count": self.count()},
            "retry_dead_letter": {"id": self.some_id(), "all": self.chance(20),
                                  "capability": self.random.choice(OWN), "to": self.random.choice(OWN)},
        }.get(op, {"id": self.some_id()})

    def served(self, capability: str) -> dict:
        return self.lied({
            "capability": capability, "credit": self.count(), "inbox": self.chance(50), "replicas": 2,
            "breaker": self.random.choice(("closed", "closed", "open", "half_open", "down", self.text())),
            "retry_after_ms": self.number() % 2**32, "events": self.count(),
            "shut": self.random.choice((None, None, "no disk")),
            "forced": self.random.choice((None, None, "by ann"))})

    def hello(self, role: str, node: str) -> tuple[bytes, bytes]:
        """The login of one of the fuzzer's nodes, or of a client; with lies about what it serves and has."""
        serves = [self.served(each) for each in (*OWN, self.some_capability() if self.chance(20) else OWN[0])]
        held = [self.some_id() for _ in range(self.random.randrange(6))]
        body = {"role": role, "node": node, "incarnation": self.incarnation, "plan": self.plan, "batch": True,
                "pid": os.getpid(), "serves": serves if role == "worker" else [], "in_flight": held}
        if self.chance(70):
            body["held"] = [{"id": each, "capability": self.some_capability(), "digest": self.number() % 2**64}
                            for each in held]
        if self.chance(20):
            body["body_bytes_max"] = self.number() % 2**64
        return self.envelope("hello", body)

    def state(self) -> tuple[bytes, bytes]:
        return self.envelope("state", {
            "draining": self.chance(10), "serves": [self.served(self.some_capability()) for _ in range(2)]})

    def pong(self) -> tuple[bytes, bytes]:
        return self.envelope("pong", {"finished": self.number() % 2**64, "busy_ms": self.number() % 2**32})

    def reply(self, call_id: bytes) -> tuple[bytes, bytes]:
        status = self.random.choice(("ok", "ok", "error", "pending"))
        keys: dict[str, object] = {"id": call_id, "status": status}
        if status == "error":
            keys["error"] = self.lied({
                "code": self.random.choice(CODES), "number": self.count(), "message": self.text(),
                "effect": self.random.choice(("none", "unknown")), "retry_after_ms": self.count(),
                "final": self.chance(30), "details": {"reason": self.text()}})
        return self.envelope("reply", {"payload": "x" * self.random.choice((0, 10, 10, 70_000))}, **keys)

    def outbox(self) -> tuple[bytes, bytes]:
        return self.envelope("outbox", {
            "capability": self.some_capability(), "instance": self.some_id(), "newest": self.number() % 2**64,
            "newest_id": self.some_id(), "trouble": self.random.choice((None, None, "restored"))})

    def relay(self) -> tuple[bytes, bytes]:
        return self.envelope("relay", {"text": self.text()}, id=self.some_id(), to=self.some_capability(),
                             op=self.topic(), seq=self.number() % 2**64, key=self.text())

    def postponed(self) -> dict:
        return self.lied({"position": self.number() % 2**64, "attempts": self.count(), "dead": self.chance(40),
                          "cause": self.random.choice(("transient", "rejected", "crashed", self.text())),
                          "error": self.text(), "replica": self.count()})

    def assigned(self) -> tuple[bytes, bytes]:
        capability = self.some_capability()
        return self.envelope("assigned", {
            "capability": capability, "epoch": self.epochs.get(capability, self.number() % 2**64),
            "partitions": [{"partition": self.random.randrange(PARTITIONS + 2), "handled": self.number() % 2**64,
                            "waiting": [self.postponed() for _ in range(self.random.randrange(3))]}
                           for _ in range(self.random.randrange(5))],
            "refused": self.random.choice(("", "", "", "another journal")), "highest": None,
            "life": self.random.choice((None, self.some_id())), "epoch_seen": None})

    def handled(self) -> tuple[bytes, bytes]:
        return self.envelope("handled", {
            "capability": self.some_capability(),
            "upto": [{"partition": self.random.randrange(PARTITIONS + 2), "position": self.number() % 2**64}
                     for _ in range(self.random.randrange(4))],
            "waiting": [self.postponed() for _ in range(self.random.randrange(3))],
            "done": [self.number() % 2**64 for _ in range(self.random.randrange(3))]})

    def anything(self) -> tuple[bytes, bytes]:
        """Of any kind, with any body."""
        return self.envelope(self.random.choice(KINDS) if self.chance(90) else self.text(), self.value(),
                             id=self.some_id(), to=self.some_capability(), op=self.text(), ttl=50,
                             seq=self.number() % 2**64, status="ok")

    def said_by_worker(self) -> tuple[bytes, bytes]:
        draw = self.random.randrange(16)
        if draw < 3:
            return self.reply(self.some_id())
        return (self.state, self.pong, self.outbox, self.outbox, self.relay, self.relay, self.relay, self.assigned,
                self.assigned, self.handled, self.handled, self.call, self.anything)[draw - 3]()
