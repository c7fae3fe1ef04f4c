"""A broker played word by word, for a worker or a gateway (runtime/wire/FORMAT.md)."""

import struct
import time

import msgpack
import zmq

from harness import PATIENCE, System, new_id


def messages_in(frames: list[bytes]) -> list[tuple[dict, object]]:
    """Header and body of each message, of a batch or alone."""
    envelopes = []
    if frames[0][:2] == b"\xc1\x01":
        rest = frames[0][2:]
        while rest:
            header, body = struct.unpack_from("<II", rest)
            envelopes.append((rest[8:8 + header], rest[8 + header:8 + header + body]))
            rest = rest[8 + header + body:]
    else:
        envelopes.append((frames[0], frames[1] if len(frames) > 1 else b""))
    return [(msgpack.unpackb(header), msgpack.unpackb(body) if body else None)
            for header, body in envelopes]


class PlayedBroker:
    """The broker's end of one link. Says what it is told to, keeps what it hears."""

    def __init__(self, system: System):
        self.socket = system.context.socket(zmq.ROUTER)
        self.socket.linger = 0
        self.socket.bind(system.endpoints["b1"])
        self.peer = b""
        self.heard: list[tuple[dict, object]] = []
        self.taken = 0

    def _read(self, within: float) -> list[tuple[dict, object]]:
        if not self.socket.poll(max(0, int(within * 1000))):
            return []
        frames = self.socket.recv_multipart()
        self.peer = frames[0]
        return messages_in(frames[1:])

    def wait_for(self, kind: str, wanted=lambda header, body: True) -> tuple[dict, dict]:
        """The first such message not yet asked for."""
        until = time.monotonic() + PATIENCE
        while True:
            for index, (header, body) in enumerate(self.heard):
                if header["kind"] == kind and wanted(header, body):
                    return self.heard.pop(index)
            left = until - time.monotonic()
            if left <= 0:
                raise AssertionError(f"no {kind} within {PATIENCE} s, but {self.heard}")
            self.heard += self._read(left)

    def send(self, kind: str, body: object = None, **header: object) -> None:
        self.socket.send_multipart([
            self.peer, msgpack.packb({"v": 1, "kind": kind, **header}),
            b"" if body is None else msgpack.packb(body)])

    def welcome(self) -> dict:
        """Lets whoever says hello in, and reads what it announces."""
        _, hello = self.wait_for("hello")
        self.send("welcome", {
            "broker": "b1", "incarnation": new_id(), "heartbeat_ms": 1000, "timeout_ms": 60_000,
            "body_bytes_max": 1 << 20, "journal": True})
        return hello
