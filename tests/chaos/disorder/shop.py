"""A shop of one's own: its folder, its topology and its processes, each started from one of two releases."""

import dataclasses
import json
import os
import pathlib
import resource
import shutil
import signal
import socket
import subprocess
import threading
import time

from clocks import Clocks
from topologies import shop_of

SOURCE = pathlib.Path(os.environ.get("TROUPE_SOURCE", pathlib.Path(__file__).resolve().parents[3]))
SHOP = SOURCE / "examples" / "shop"
STOP_SECONDS = 20.0
READY_SECONDS = 40.0
_POLL_SECONDS = 0.05

# Exit codes of nodes/README.md.
REFUSED, NO_JOURNAL, NOT_ON_DISK, TURN_TOO_LONG = 69, 73, 74, 75


class Fault(Exception):
    """What the product must not do, in words."""


def free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


@dataclasses.dataclass
class Node:
    """One broker or worker, whether it runs or not."""

    name: str
    is_broker: bool
    process: subprocess.Popen[bytes] | None = None
    release: str = "new"
    frozen: bool = False
    # Whether this process has ever been stopped by SIGSTOP: others may then have got rid of it.
    was_frozen: bool = False
    # The fault point at which it is to die or to stand still.
    doom: str = ""
    # Whether a database was replaced under it.
    was_robbed: bool = False

    @property
    def is_up(self) -> bool:
        return self.process is not None


class Shop:
    """@param releases the folders of programs, by "new" and perhaps "before"."""

    def __init__(self, folder: pathlib.Path, releases: dict[str, pathlib.Path],
                 brokers: list[str]) -> None:
        self.folder = folder
        self.data = folder / "data"
        self.data.mkdir()
        (folder / "apart").mkdir()
        self.clocks = Clocks(folder)
        self.topology = folder / "shop.yaml"
        self.text = shop_of(SHOP / "shop.yaml", dict(zip(brokers, free_ports(len(brokers)))))
        self.give_topology(self.text)
        shutil.copy(SHOP / "invariants.yaml", folder)
        self._releases = releases
        self.nodes = {name: Node(name, name.startswith("b")) for name in [*brokers, "n1", "n2"]}
        # Ends that nobody asked for and that are lawful, in words.
        self.excused_ends: list[str] = []
        # Whether a node was of the release before.
        self.was_mixed = False
        self._never = threading.Event()

    def give_topology(self, text: str) -> None:
        """At once: a process that only just starts reads the old one or the new one, whole."""
        beside = self.folder / "shop.yaml.new"
        beside.write_text(text)
        beside.replace(self.topology)

    # --- Programs -------------------------------------------------------------------------------

    def endpoints(self) -> list[str]:
        text = self.topology.read_text()
        return [word for line in text.splitlines() if "listen:" in line
                for word in ("--broker", line.split('"')[1])]

    def run(self, *words: str, seconds: float = 60.0) -> subprocess.CompletedProcess[str]:
        """A `troupe` command of the new release."""
        return subprocess.run([str(self._releases["new"] / "troupe"), *words], cwd=self.folder,
                              capture_output=True, text=True, timeout=seconds, check=False)

    def client(self, *words: str, **more: object) -> subprocess.Popen[str]:
        program = self._releases["new"] / "shop-place-orders"
        return subprocess.Popen([str(program), *words, *self.endpoints()], text=True,
                                stdin=subprocess.DEVNULL, **more)

    # --- Processes ------------------------------------------------------------------------------

    def start(self, name: str, release: str = "new", doom: str = "") -> None:
        node = self.nodes[name]
        program = "troupe-broker" if node.is_broker else "troupe-worker"
        machine = name if node.is_broker else "workers"
        with self._log(name).open("ab") as log:
            log.write(f"--- {name} of the release {release}\n".encode())
            log.flush()
            node.process = subprocess.Popen(
                [str(self._releases[release] / program), str(self.topology), "--node", name],
                cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CORE, (0, 0)),
                env={**os.environ, **self.clocks.environment(machine), "TROUPE_FAULT_PLAN": doom})
        node.release, node.doom = release, doom
        self.was_mixed = self.was_mixed or release != "new"
        node.frozen = node.was_frozen = node.was_robbed = False

    def kill(self, name: str) -> None:
        node = self.nodes[name]
        assert node.process is not None
        node.process.kill()
        node.process.wait()
        node.process = None

    def stop(self, name: str) -> None:
        """SIGTERM. Its end must be in good order and in time."""
        node = self.nodes[name]
        self.thaw(name)
        assert node.process is not None
        node.process.terminate()
        try:
            code = node.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill(name)
            raise Fault(f"{name} did not stop within {STOP_SECONDS:.0f} s\n{self.last_words(name)}") \
                from None
        self._judge_end(node, code, asked=True)

    def kill_all(self, names: list[str]) -> None:
        for name in names:
            if self.nodes[name].is_up:
                self.kill(name)

    def stop_all(self, names: list[str]) -> None:
        """Those that run."""
        for name in names:
            if self.nodes[name].is_up:
                self.stop(name)

    def start_all(self, names: list[str]) -> None:
        """Each of the release that it was."""
        for name in names:
            self.start(name, self.nodes[name].release)

    def freeze(self, name: str) -> None:
        node = self.nodes[name]
        assert node.process is not None
        node.process.send_signal(signal.SIGSTOP)
        node.frozen = node.was_frozen = True

    def thaw(self, name: str) -> None:
        node = self.nodes[name]
        if node.process is not None and (node.frozen or "=stop" in node.doom):
            node.process.send_signal(signal.SIGCONT)
            node.frozen = False

    def look_for_ends(self) -> None:
        """Takes note of those that ended by themselves. Raises Fault if one had no right to."""
        for node in self.nodes.values():
            if node.process is not None and (code := node.process.poll()) is not None:
                self._judge_end(node, code, asked=False)

    def _judge_end(self, node: Node, code: int, asked: bool) -> None:
        node.process = None
        if asked and code in (0, -signal.SIGTERM):
            return  # By the signal itself: it had only just been started.
        words = self.last_words(node.name, 1)
        was_frozen = node.was_frozen or "=stop" in node.doom
        if was_frozen and code in (-signal.SIGKILL, TURN_TOO_LONG):
            why = "it had been stopped by SIGSTOP, and others waited for it"
        elif code == -signal.SIGKILL and "=kill" in node.doom:
            why = f"it was to die at {node.doom}"
        elif code == NOT_ON_DISK and node.was_robbed:
            why = "a database was replaced under it"
        elif self._may_be_refused(node, code, self.last_words(node.name)):
            why = "it was refused, and said why"
        elif asked and was_frozen:
            why = "it had been stopped by SIGSTOP before"
        else:
            raise Fault(f"{node.name} ({node.release}) ended by itself with {code}\n"
                        f"{self.last_words(node.name)}")
        self.excused_ends.append(f"{node.name} ended with {code}: {why}: {words.strip()}")

    @staticmethod
    def _may_be_refused(node: Node, code: int, words: str) -> bool:
        """Who has read another topology, whatever it was about to begin meanwhile; and an older release
        whose databases a newer one has opened."""
        if code == REFUSED and "another version of the topology" in words:
            return True
        return node.release == "before" and code in (REFUSED, NO_JOURNAL) and bool(words)

    # --- What it says ---------------------------------------------------------------------------

    def _log(self, name: str) -> pathlib.Path:
        return self.folder / f"{name}.log"

    def last_words(self, name: str, lines: int = 12) -> str:
        path = self._log(name)
        return "\n".join(path.read_text(errors="replace").splitlines()[-lines:]) if path.exists() \
            else ""

    def wait(self, seconds: float) -> None:
        """Lets the shop run on for so long."""
        self._never.wait(seconds)

    def is_ready(self) -> bool:
        said = self.run("status", str(self.topology), "--deadline", "2s", "--json")
        return said.returncode == 0

    def await_ready(self) -> None:
        deadline = time.monotonic() + READY_SECONDS
        while not self.is_ready():
            self.look_for_ends()
            for name, node in self.nodes.items():
                if not node.is_up:
                    self.start(name)
            if time.monotonic() > deadline:
                said = self.run("status", str(self.topology), "--deadline", "2s")
                raise Fault(f"not everything was up within {READY_SECONDS:.0f} s\n"
                            f"{said.stdout}{said.stderr}")
            self.wait(_POLL_SECONDS)

    def troubles(self) -> list[str]:
        """What brokers and workers say of themselves that needs a person."""
        found: list[str] = []
        for command in ("status", "topics"):
            said = self.run(command, str(self.topology), "--json")
            for line in said.stdout.splitlines():
                _gather_troubles(json.loads(line), found)
        return sorted(set(found))

    def held(self) -> list[str]:
        """Calls that brokers still have in hand, by broker and capability."""
        said = self.run("status", str(self.topology), "--json").stdout
        found = []
        for line in said.splitlines():
            for broker in json.loads(line).get("brokers", ()):
                found += _held_by(broker["name"], broker.get("status") or {})
        return found

    def end(self) -> None:
        """However it is: it is over afterwards."""
        self.kill_all(list(self.nodes))


def _gather_troubles(said: object, found: list[str]) -> None:
    if isinstance(said, dict):
        for key, value in said.items():
            if key.endswith(("trouble", "down_reason", "shut")) and isinstance(value, str) and value:
                found.append(value)
            _gather_troubles(value, found)
    elif isinstance(said, list):
        for each in said:
            _gather_troubles(each, found)


def _held_by(broker: str, status: dict) -> list[str]:
    """@param status what a broker says of itself."""
    rows = [(broker, {"calls_held": status.get("calls_held", 0)})]
    rows += [(f"{broker} {each['name']}", each) for each in status.get("capabilities", ())]
    rows += [(f"{broker} {each['capability']} on {node['name']}", each)
             for node in status.get("nodes", ()) for each in node.get("capabilities", ())]
    return [f"{where}: {row[what]} {what}" for where, row in rows
            for what in ("calls_held", "queued", "outstanding", "awaiting") if row.get(what)]
