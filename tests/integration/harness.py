"""Real processes of a small system, for tests: started, stopped, killed, listened to, and called.

Nothing here sleeps: a test waits for a line of a log or for an answer, each with a deadline.
"""

import contextlib
import json
import os
import pathlib
import re
import resource
import signal
import socket
import sqlite3
import subprocess
import tempfile
import threading
import time
import unittest

import msgpack
import zmq

BIN = pathlib.Path(os.environ.get("TROUPE_BIN", "build/dev/bin"))
SOURCE = pathlib.Path(os.environ.get(
    "TROUPE_SOURCE", pathlib.Path(__file__).resolve().parent.parent.parent))
# How long to wait for what should take milliseconds: a busy machine is no reason to fail.
PATIENCE = 15.0
# A file descriptor's worth of calls: what a plain client may have under way.
HIGH_WATER = 100_000


def new_id() -> bytes:
    """A UUID of version 7."""
    tail = bytearray(os.urandom(10))
    tail[0], tail[2] = tail[0] & 0x0F | 0x70, tail[2] & 0x3F | 0x80
    return (time.time_ns() // 1_000_000).to_bytes(6, "big") + bytes(tail)


def text_of(call_id: bytes) -> str:
    digits = call_id.hex()
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


_ports_given: set[int] = set()


def free_port() -> int:
    """A port the system has free and this process was not given before: the system may give one again
    as soon as nobody listens there."""
    while True:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        if port not in _ports_given:
            _ports_given.add(port)
            return port


class Reply:
    """One answer: `body` if it is good, else `error` (its map), and `code`."""

    def __init__(self, frames: list[bytes]):
        if frames[0] == b"" and len(frames) > 1:
            frames = frames[1:]  # The delimiter, if the question had one.
        header = msgpack.unpackb(frames[0], strict_map_key=False)
        self.id = header.get("id")
        self.status = header.get("status")
        self.error = header.get("error")
        self.code = self.error["code"] if self.error else None
        self.body = msgpack.unpackb(frames[1]) if len(frames) > 1 and frames[1] else None

    @property
    def ok(self) -> bool:
        return self.status == "ok"

    def __repr__(self) -> str:
        return f"{self.status} {self.error if self.error else self.body}"


class Client:
    """A plain DEALER: may have many calls under way. Not shared between threads."""

    def __init__(self, context: zmq.Context, endpoint: str):
        self.socket = context.socket(zmq.DEALER)
        self.socket.linger = 0
        self.socket.sndhwm = self.socket.rcvhwm = HIGH_WATER
        self.socket.reconnect_ivl = 20
        self.socket.connect(endpoint)
        self.answers: dict[bytes, list[Reply]] = {}

    def close(self) -> None:
        self.socket.close()

    def send(self, to: str, op: str, body: object = None, *, call_id: bytes = b"",
             ttl: int = 5000, **more: object) -> bytes:
        call_id = call_id or new_id()
        header = {"v": 1, "kind": "call", "id": call_id, "to": to, "op": op, "ttl": ttl, **more}
        self.socket.send_multipart(
            [msgpack.packb(header), msgpack.packb({} if body is None else body)])
        return call_id

    def send_raw(self, *frames: bytes) -> None:
        self.socket.send_multipart(frames)

    def receive(self, within: float = PATIENCE) -> Reply | None:
        """The next answer, whichever it is, or None."""
        if not self.socket.poll(max(0, int(within * 1000))):
            return None
        reply = Reply(self.socket.recv_multipart())
        self.answers.setdefault(reply.id, []).append(reply)
        return reply

    def collect(self, ids: list[bytes], within: float = PATIENCE) -> dict[bytes, Reply]:
        """The first answer to each of `ids`, or to those that were answered in time."""
        until = time.monotonic() + within
        missing = {each for each in ids if each not in self.answers}
        while missing and (left := until - time.monotonic()) > 0:
            if (reply := self.receive(left)) is not None:
                missing.discard(reply.id)
        return {each: self.answers[each][0] for each in ids if each in self.answers}

    def call(self, to: str, op: str, body: object = None, *, within: float = PATIENCE,
             **more: object) -> Reply:
        call_id = self.send(to, op, body, **more)
        self.answers.pop(call_id, None)
        found = self.collect([call_id], within)
        if call_id not in found:
            raise AssertionError(f"{to}.{op} was not answered within {within} s")
        return found[call_id]


def documented_events() -> dict[str, set[str]]:
    """The events of nodes/LOGS.md, each with its fields."""
    rows = {}
    for line in (SOURCE / "nodes" / "LOGS.md").read_text().splitlines():
        if row := re.match(r"\| `([a-z._]+)` \| (?:error|warning|info) \| ([^|]*) \|", line):
            rows[row[1]] = set(re.findall(r"`([^`]+)`", row[2]))
    return rows


DOCUMENTED = documented_events()


class Process:
    """One of the system's programs, and what it logs."""

    def __init__(self, words: list[str], *, folder: pathlib.Path,
                 environment: dict[str, str] | None = None, file_bytes_max: int | None = None,
                 open_files_max: int | None = None, may_leave_cores: bool = False):
        def limit() -> None:
            core_bytes_max = resource.getrlimit(resource.RLIMIT_CORE)[1] if may_leave_cores else 0
            resource.setrlimit(resource.RLIMIT_CORE, (core_bytes_max, core_bytes_max))
            if file_bytes_max is not None:
                resource.setrlimit(resource.RLIMIT_FSIZE, (file_bytes_max, resource.RLIM_INFINITY))
            if open_files_max is not None:
                resource.setrlimit(resource.RLIMIT_NOFILE, (open_files_max, open_files_max))

        self.words = words
        self.lines: list[str] = []
        self.events: list[dict] = []
        self._news = threading.Condition()
        self._ended = False
        self.child = subprocess.Popen(
            words, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE, env={**os.environ, **(environment or {})}, preexec_fn=limit)
        self.pid = self.child.pid
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        for raw in self.child.stderr:
            line = raw.decode(errors="replace").rstrip("\n")
            with self._news:
                self.lines.append(line)
                with contextlib.suppress(ValueError):
                    self.events.append(json.loads(line))
                self._news.notify_all()
        with self._news:
            self._ended = True
            self._news.notify_all()

    def strange_lines(self) -> list[dict]:
        """What it logged that nodes/LOGS.md does not tell of."""
        with self._news:
            return [each for each in self.events if isinstance(each, dict) and "event" in each and (
                each["event"] not in DOCUMENTED
                or set(each) - {"at", "node", "level", "event"} - DOCUMENTED[each["event"]])]

    def find(self, event: str, **fields: str) -> list[dict]:
        """The logged events of that name and with those fields."""
        wanted = {"event": event, **fields}.items()
        with self._news:
            return [each for each in self.events if wanted <= each.items()]

    def wait_for(self, event: str, *, within: float = PATIENCE, count: int = 1,
                 **fields: str) -> dict:
        """The `count`-th such event, logged already or within that many seconds."""
        wanted = {"event": event, **fields}.items()
        with self._news:
            def seen() -> list[dict]:
                return [each for each in self.events if wanted <= each.items()]
            self._news.wait_for(lambda: len(seen()) >= count or self._ended, within)
            found = seen()
            if len(found) < count:
                raise AssertionError(
                    f"{' '.join(self.words[-6:])}: no `{event}` {fields or ''} within {within} s:\n"
                    + "\n".join(self.lines[-40:]))
            return found[count - 1]

    def signal(self, number: int) -> None:
        self.child.send_signal(number)

    def kill(self) -> None:
        self.child.kill()
        self.child.wait()

    def freeze(self) -> None:
        """SIGSTOP, and waits until it has stopped."""
        self.signal(signal.SIGSTOP)
        os.waitid(os.P_PID, self.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)

    def await_frozen(self) -> None:
        """Waits until it has stopped by itself (a fault point says `stop`)."""
        os.waitid(os.P_PID, self.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)

    def thaw(self) -> None:
        self.signal(signal.SIGCONT)

    def await_end(self, within: float = PATIENCE) -> int:
        """Its exit code, negative for a signal."""
        code = self.child.wait(within)
        self._reader.join(within)
        return code

    def end(self) -> None:
        """However it is: it is over afterwards."""
        if self.child.poll() is None:
            self.child.kill()
        self.child.wait()
        self._reader.join(PATIENCE)
        self.child.stderr.close()


# What most tests are served by: small limits, and a heart that beats as in production.
CAPABILITIES = {
    "echo": "{actor: echo, replicas: 2, store: none}",
    "notes": "{actor: notes, replicas: 2}",
}


class System:
    """A topology in a folder of its own, with ports the operating system gave, and its processes."""

    def __init__(self, capabilities: dict[str, str] | None = None, *, nodes: tuple = ("n1", "n2"),
                 brokers: tuple = ("b1",), more: str = "", admin: bool = False,
                 programs: pathlib.Path = BIN):
        self._stack = contextlib.ExitStack()
        self.folder = pathlib.Path(self._stack.enter_context(tempfile.TemporaryDirectory()))
        self.data = self.folder / "data"
        self.context = zmq.Context()
        self._stack.callback(self.context.destroy, linger=0)
        self.endpoints = {each: f"tcp://127.0.0.1:{free_port()}" for each in brokers}
        self.nodes = nodes
        # Where each process answers HTTP, if the system is to have admin addresses.
        self.admin = {each: f"127.0.0.1:{free_port()}" for each in (*brokers, *nodes) if admin}
        self.capabilities = capabilities or CAPABILITIES
        self.programs = programs
        self.more = more
        self.file = self.write("topology.yaml")
        self._clients: list[Client] = []
        self._processes: list[Process] = []

    def close(self) -> None:
        for each in self._clients:
            each.close()
        for each in self._processes:
            each.end()
        self._stack.close()
        strange = [line for each in self._processes for line in each.strange_lines()]
        if strange:
            raise AssertionError(f"nodes/LOGS.md does not tell of {strange[:5]}")

    def write(self, name: str, more: str | None = None) -> pathlib.Path:
        """The topology as a file; another `more` makes it another one."""
        lines = ["troupe: 1", "name: test", "brokers:"]
        lines += [f'  {name_}: {{listen: "{at}"{self._admin(name_)}}}'
                  for name_, at in self.endpoints.items()]
        lines += ["nodes:"] + [f"  {each}: {{host: here{self._admin(each)}}}" for each in self.nodes]
        lines += [self.more if more is None else more]
        lines += ["capabilities:"]
        lines += [f"  {each}: {what}" for each, what in self.capabilities.items()]
        path = self.folder / name
        path.write_text("\n".join(lines) + "\n")
        return path

    def _admin(self, name: str) -> str:
        return f', admin: "{self.admin[name]}"' if name in self.admin else ""

    def run(self, program: str, node: str, *, file: pathlib.Path | None = None,
            faults: str = "", environment: dict[str, str] | None = None, **more: object) -> Process:
        environment = {**(environment or {}), **({"TROUPE_FAULT_PLAN": faults} if faults else {})}
        process = Process(
            [str(self.programs / program), str(file or self.file), "--node", node, "--log", "json"],
            folder=self.folder, environment=environment, **more)
        self._processes.append(process)
        return process

    def broker(self, node: str = "b1", **more: object) -> Process:
        process = self.run("troupe-broker", node, **more)
        process.wait_for("listening")
        return process

    def worker(self, node: str = "n1", *, joined: bool = True, **more: object) -> Process:
        process = self.run("troupe-worker", node, **more)
        if joined:
            for number in range(len(self.endpoints)):
                process.wait_for("broker.joined", count=number + 1)
        return process

    def gateway(self, node: str = "g1", **more: object) -> Process:
        """Runs a gateway of the topology, until it listens."""
        process = self.run("troupe-gateway", node, **more)
        process.wait_for("gateway.started")
        return process

    def client(self, broker: str = "b1") -> Client:
        made = Client(self.context, self.endpoints[broker])
        self._clients.append(made)
        return made

    def rows(self, capability: str, statement: str, *values: object) -> list[tuple]:
        """What a capability's database holds."""
        path = self.data / f"{capability}.db"
        with contextlib.closing(sqlite3.connect(path, timeout=PATIENCE)) as session:
            return session.execute(statement, values).fetchall()

    def checkpoint(self, capability: str) -> pathlib.Path:
        """The capability's database, which nobody has open, with what its WAL held copied into it."""
        path = self.data / f"{capability}.db"
        with contextlib.closing(sqlite3.connect(path)) as session:
            session.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return path

    def status(self, client: Client) -> dict:
        return client.call("troupe.broker", "status").body


class Load(threading.Thread):
    """A good client that never stops: while others misbehave, each of its calls must be answered."""

    def __init__(self, system: System, to: str = "echo", op: str = "echo", *, ttl: int = 5000,
                 window: int = 8, body: object = None, broker: str = "b1"):
        super().__init__(daemon=True)
        self._client = Client(system.context, system.endpoints[broker])
        self._to, self._op, self._ttl, self._window = to, op, ttl, window
        self._body = {"payload": "good", "text": "good"} if body is None else body
        self._enough = threading.Event()
        self._news = threading.Condition()
        self.answered: dict[bytes, Reply] = {}
        self.lost: list[bytes] = []
        self.slowest = 0.0

    def run(self) -> None:
        under_way: dict[bytes, float] = {}
        until = float("inf")
        while under_way or not self._enough.is_set():
            now = time.monotonic()
            if self._enough.is_set():
                until = min(until, now + PATIENCE)
                if now > until:
                    break
            while not self._enough.is_set() and len(under_way) < self._window:
                call_id = self._client.send(self._to, self._op, self._body, ttl=self._ttl)
                under_way[call_id] = time.monotonic()
            reply = self._client.receive(0.1)
            if reply is None:
                continue
            began = under_way.pop(reply.id, None)
            if began is not None:
                self.slowest = max(self.slowest, time.monotonic() - began)
                with self._news:
                    self.answered[reply.id] = reply
                    self._news.notify_all()
        self.lost = list(under_way)
        self._client.close()

    def await_answers(self, more: int, within: float = PATIENCE) -> None:
        """Waits until it has had that many more answers."""
        with self._news:
            wanted = len(self.answered) + more
            if not self._news.wait_for(lambda: len(self.answered) >= wanted, within):
                raise AssertionError("the good client is not served any more")

    def finish(self) -> list[Reply]:
        """Stops, and gives the answers that were errors. What was not answered is in `lost`."""
        self._enough.set()
        self.join(2 * PATIENCE)
        return [each for each in self.answered.values() if not each.ok]


class SystemTest(unittest.TestCase):
    """A test of a system of its own."""

    maxDiff = None

    def system(self, *words: object, **more: object) -> System:
        made = System(*words, **more)
        self.addCleanup(made.close)
        return made

    @contextlib.contextmanager
    def good_client(self, system: System, *words: object, **more: object):
        """Someone whose calls must all succeed, whatever is done meanwhile."""
        load = Load(system, *words, **more)
        load.start()
        try:
            load.await_answers(1)
            yield load
            load.await_answers(20)
        finally:
            errors = load.finish()
        self.assertEqual([], load.lost, "calls of the good client without any answer")
        self.assertEqual([], errors, "calls of the good client that failed")

    def assert_code(self, expected: str, reply: Reply) -> None:
        self.assertEqual(expected, reply.code, reply)
        self.assertTrue(reply.error["message"], reply)
