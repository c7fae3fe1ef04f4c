"""Systems whose links have keys, and clients that have some."""

import pathlib
import shutil
import subprocess

import zmq
from zmq.utils.monitor import recv_monitor_message

from harness import BIN, HIGH_WATER, PATIENCE, Client, System, free_port


def troupe(*words: object, **more: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(BIN / "troupe"), *map(str, words)], capture_output=True, text=True,
                          timeout=4 * PATIENCE, check=False, **more)


def keys_in(file: pathlib.Path) -> list[bytes]:
    return [line.encode() for line in file.read_text().splitlines()
            if line and not line.startswith("# ")]


# Whoever has no key, and the operator, may do everything.
ALL = '{call: ["*", troupe.*], publish: ["*"], read: ["*"]}'
ALLOW = f"{{anonymous: {ALL}, operator: {ALL}, anna: {ALL}, notes: {{publish: [noted]}}}}"


class SecuredSystem(System):
    """A System with `security`, whose keys are made; `open` is where clients without any connect.

    `allow` says who may do what."""

    def __init__(self, capabilities: dict[str, str] | None = None, *, is_open: bool = True,
                 more: str = "", allow: str = ALLOW,
                 tokens: str = "", **others: object):
        self.open = f"tcp://127.0.0.1:{free_port()}" if is_open else ""
        clients = "open" if is_open else "keys"
        security = f"security: {{clients: {clients}, allow: {allow}{tokens and ', tokens: ' + tokens}}}"
        super().__init__(capabilities, more=f"{security}\n{more}", **others)
        self.keys = self.folder / "keys"
        made = troupe("keys", "new", self.file)
        assert made.returncode == 0, made.stderr

    def _admin(self, name: str) -> str:
        # The first broker has the open endpoint.
        is_first = name == next(iter(self.endpoints))
        return super()._admin(name) + (f', open: "{self.open}"' if is_first and self.open else "")

    def client(self, broker: str = "b1") -> Client:
        """One without a key."""
        made = Client(self.context, self.open)
        self._clients.append(made)
        return made

    def keyed(self, name: str, broker: str = "b1", **more: object) -> "KeyedClient":
        made = KeyedClient(self, name, broker, **more)
        self._clients.append(made)
        return made

    def copy_elsewhere(self, name: str) -> pathlib.Path:
        """The same topology with a folder of keys of its own, as another host has it."""
        folder = self.folder / name
        folder.mkdir()
        shutil.copytree(self.keys, folder / "keys")
        shutil.copy(self.file, folder / "topology.yaml")
        return folder / "topology.yaml"


class KeyedClient(Client):
    """A plain DEALER with the key of `name`, or with the pair given. `events` is its monitor."""

    def __init__(self, system: SecuredSystem, name: str, broker: str, *,
                 pair: tuple[bytes, bytes] | None = None, broker_key: bytes = b"",
                 routing_id: bytes = b""):
        self.socket = system.context.socket(zmq.DEALER)
        self.socket.linger = 0
        self.socket.sndhwm = self.socket.rcvhwm = HIGH_WATER
        self.socket.reconnect_ivl = 20
        if routing_id:
            self.socket.routing_id = routing_id
        public, secret = pair or (keys_in(system.keys / f"{name}.pub")[0],
                                  keys_in(system.keys / f"{name}.key")[0])
        self.socket.curve_publickey, self.socket.curve_secretkey = public, secret
        self.socket.curve_serverkey = broker_key or keys_in(system.keys / f"{broker}.pub")[0]
        self.events = self.socket.get_monitor_socket()
        self.events.linger = 0
        self.socket.connect(system.endpoints[broker])
        self.answers = {}

    def close(self) -> None:
        self.socket.disable_monitor()
        self.events.close()
        self.socket.close()

    def await_event(self, *wanted: int, within: float = PATIENCE) -> int:
        """Waits for the first of these events of its connection."""
        while self.events.poll(int(within * 1000)):
            event = recv_monitor_message(self.events)["event"]
            if event in wanted:
                return event
        raise AssertionError(f"none of the events {wanted} within {within} s")
