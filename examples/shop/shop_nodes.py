"""A shop of one's own: a folder with a copy of shop.yaml, and `troupe up` that runs it."""

import dataclasses
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import threading
import time

STOP_SECONDS = 20.0
_POLL_SECONDS = 0.02


class DemoError(Exception):
    """The demo cannot go on; the text says why."""


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on, chosen by the system."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    try:
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()


def write_topology(source: pathlib.Path, folder: pathlib.Path) -> tuple[pathlib.Path, list[str]]:
    """Copies the topology, with ports that are free. Returns it and where its brokers listen."""
    text = source.read_text()
    addresses = sorted(set(re.findall(r"\b127\.0\.0\.1:\d+", text)))
    for old, port in zip(addresses, free_ports(len(addresses))):
        text = text.replace(old, f"127.0.0.1:{port}")
    path = folder / source.name
    path.write_text(text)
    shutil.copy(source.parent / "invariants.yaml", folder)
    return path, re.findall(r"tcp://127\.0\.0\.1:\d+", text)


def _has_ended(pid: int) -> bool:
    """Whether no thread of the process is left: one may be writing when the first is gone."""
    try:
        threads = os.listdir(f"/proc/{pid}/task")
        state = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return True
    return len(threads) == 1 and state == "Z"


@dataclasses.dataclass
class Node:
    name: str
    kind: str
    pid: int = 0  # 0: does not run.
    starts: int = 0


class Nodes:
    """`troupe up` as a child process, and what it says of its own children."""

    def __init__(self, programs: pathlib.Path, topology: pathlib.Path,
                 environment: dict[str, str] | None = None) -> None:
        self._programs = programs
        self._topology = topology
        self.log_folder = topology.parent / "log"
        self._changed = threading.Condition()
        self._nodes: dict[str, Node] = {}
        self._errors = (topology.parent / "up.err").open("w+")
        self._up = subprocess.Popen(
            [str(programs / "troupe"), "up", str(topology), "--json",
             "--log-dir", str(self.log_folder)],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self._errors, text=True,
            start_new_session=True, env={**os.environ, **(environment or {})})
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._up.stdout is not None
        for line in self._up.stdout:
            event = json.loads(line)
            with self._changed:
                self._take(event)
                self._changed.notify_all()
        with self._changed:
            self._changed.notify_all()

    def _take(self, event: dict) -> None:
        if "node" not in event:
            return
        node = self._nodes.setdefault(event["node"], Node(event["node"], event["kind"]))
        if event["event"] in ("started", "restarted"):
            node.pid = event["pid"]
            node.starts += 1
        elif event["event"] == "exited":
            node.pid = 0

    def names(self, kind: str) -> list[str]:
        with self._changed:
            return sorted(node.name for node in self._nodes.values() if node.kind == kind)

    def kind_of(self, name: str) -> str:
        with self._changed:
            return self._nodes[name].kind

    def process_of(self, name: str) -> int:
        """Its process; 0 if it does not run."""
        with self._changed:
            return self._nodes[name].pid

    def restarts(self) -> int:
        with self._changed:
            return sum(node.starts - 1 for node in self._nodes.values())

    def is_up(self) -> bool:
        return self._up.poll() is None

    def wait_until_ready(self, seconds: float) -> None:
        """Until the broker and every worker, logged in there, answers for itself."""
        deadline = time.monotonic() + seconds
        pause = threading.Event()
        while True:
            if not self.is_up():
                raise DemoError(f"`troupe up` ended by itself:\n{self._read_errors()}")
            said = subprocess.run(
                [str(self._programs / "troupe"), "status", str(self._topology), "--deadline", "1s"],
                capture_output=True, text=True, check=False)
            if said.returncode == 0:
                return
            if time.monotonic() > deadline:
                raise DemoError(f"not everything was up within {seconds:.0f} s; `troupe status` "
                                f"says:\n{said.stdout}{said.stderr}\n{self._last_words()}")
            pause.wait(_POLL_SECONDS)

    def _last_words(self) -> str:
        """The last line of each node's log."""
        return "\n".join(f"{path.name}: {(path.read_text().splitlines() or ['(empty)'])[-1]}"
                         for path in sorted(self.log_folder.glob("*.log")))

    def kill(self, name: str) -> tuple[int, float]:
        """SIGKILL. Returns the process that died of it, and when."""
        with self._changed:
            node = self._nodes[name]
            if node.pid == 0:
                raise DemoError(f"{name} does not run")
            os.kill(node.pid, signal.SIGKILL)
            return node.pid, time.monotonic()

    def kill_all(self) -> None:
        """SIGKILL for `troupe up`, with which the kernel kills its children; until all have ended."""
        with self._changed:
            children = [node.pid for node in self._nodes.values() if node.pid]
        self._up.kill()
        self._up.wait()
        pause = threading.Event()
        while not all(_has_ended(pid) for pid in children):
            pause.wait(_POLL_SECONDS)

    def wait_for_another(self, name: str, pid: int, seconds: float) -> float:
        """Until `name` runs again, as another process than `pid`. Returns when that was."""
        with self._changed:
            if not self._changed.wait_for(
                    lambda: self._nodes[name].pid not in (0, pid) or not self.is_up(), seconds):
                raise DemoError(f"{name} was not started again within {seconds:.0f} s")
            return time.monotonic()

    def _read_errors(self) -> str:
        self._errors.flush()
        self._errors.seek(0)
        return self._errors.read()

    def stop(self) -> bool:
        """Whether everything stopped in good order, as asked to."""
        if self.is_up():
            self._up.terminate()
        try:
            status = self._up.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._up.kill()  # Its children die with it.
            status = self._up.wait()
        self._reader.join(STOP_SECONDS)
        self._errors.close()
        return status == 0
