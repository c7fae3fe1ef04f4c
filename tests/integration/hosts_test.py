"""examples/three-hosts on three hosts: network namespaces with addresses of their own, whose links are cut.

Skipped in words where namespaces may not be made (root has to run it)."""

import contextlib
import ctypes
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest

import zmq

from harness import BIN, HIGH_WATER, PATIENCE, SOURCE, Client, new_id, text_of
from secured_systems import keys_in
from slow_switch import SlowSwitch, finish_frames
from systems import resend_until_answered

SKIPPED = 77
HOSTS = {"alpha": "10.77.0.1", "beta": "10.77.0.2", "gamma": "10.77.0.3"}
PROCESSES = {"alpha": {"b1", "a1", "a2"}, "beta": {"b2", "b1_orders"},
             "gamma": {"g1_goods", "g2_goods"}}
CLONE_NEWNET = 0x40000000
TAG = f"tr{os.getpid()}"


def ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True, text=True)


def name_of(host: str) -> str:
    return f"{TAG}{host}"


class Network:
    """A switch, which is a namespace too, and a host behind each of its ports."""

    def __init__(self, stack: contextlib.ExitStack):
        self._make(stack, "switch")
        ip("-n", name_of("switch"), "link", "add", "br0", "type", "bridge")
        ip("-n", name_of("switch"), "link", "set", "br0", "up")
        for host, address in HOSTS.items():
            self._make(stack, host)
            ip("-n", name_of("switch"), "link", "add", host, "type", "veth", "peer", "name", "eth0",
               "netns", name_of(host))
            ip("-n", name_of("switch"), "link", "set", host, "master", "br0", "up")
            ip("-n", name_of(host), "addr", "add", f"{address}/24", "dev", "eth0")
            ip("-n", name_of(host), "link", "set", "eth0", "up")

    @staticmethod
    def _make(stack: contextlib.ExitStack, host: str) -> None:
        ip("netns", "add", name_of(host))
        stack.callback(subprocess.run, ["ip", "netns", "del", name_of(host)], check=False)
        ip("-n", name_of(host), "link", "set", "lo", "up")

    @staticmethod
    def cut(host: str) -> None:
        """What is sent to or from the host is lost without a word, as when a cable is pulled."""
        ip("-n", name_of("switch"), "link", "set", host, "down")

    @staticmethod
    def mend(host: str) -> None:
        ip("-n", name_of("switch"), "link", "set", host, "up")

    @contextlib.contextmanager
    def slow(self, *, delay: float, loss: float):
        """A switch in user space takes the place of the kernel's, which loses and delays nothing."""
        for host in HOSTS:
            with inside(host):
                finish_frames("eth0")
            ip("-n", name_of("switch"), "link", "set", host, "nomaster")
        with inside("switch"):
            switch = SlowSwitch(list(HOSTS), delay=delay, loss=loss, seed=7)
        try:
            yield switch
        finally:
            switch.close()
            for host in HOSTS:
                ip("-n", name_of("switch"), "link", "set", host, "master", "br0")


@contextlib.contextmanager
def inside(host: str):
    """Has this thread, and the sockets and threads it makes, belong to the host."""
    libc = ctypes.CDLL(None, use_errno=True)
    with open("/proc/thread-self/ns/net", "rb") as home, \
            open(f"/var/run/netns/{name_of(host)}", "rb") as there:
        if libc.setns(there.fileno(), CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "setns")
        try:
            yield
        finally:
            libc.setns(home.fileno(), CLONE_NEWNET)


class Up:
    """`troupe up --host HOST` on a host with a folder of its own."""

    def __init__(self, host: str, folder: pathlib.Path):
        self.folder = folder
        self.child = subprocess.Popen(
            ["ip", "netns", "exec", name_of(host), str(BIN / "troupe"), "up",
             str(folder / "shop.yaml"), "--host", host, "--json"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.events: list[dict] = []
        self._news = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        for line in self.child.stdout:
            with self._news:
                with contextlib.suppress(ValueError):
                    self.events.append(json.loads(line))
                self._news.notify_all()

    def find(self, what: str, name: str = "") -> list[dict]:
        with self._news:
            return [each for each in self.events
                    if each["event"] == what and name in ("", each.get("node"))]

    def wait_for(self, what: str, name: str = "", count: int = 1) -> dict:
        until = time.monotonic() + 2 * PATIENCE
        while len(found := self.find(what, name)) < count:
            with self._news:
                if not self._news.wait(max(0.0, until - time.monotonic())):
                    raise AssertionError(f"no `{what}` of {name}: {self.events}")
        return found[count - 1]

    def stop(self) -> int:
        self.child.send_signal(signal.SIGTERM)
        return self.child.wait(2 * PATIENCE)


class Operator(Client):
    """A plain DEALER on alpha, with the operator's key."""

    def __init__(self, context: zmq.Context, folder: pathlib.Path, broker: str, address: str):
        self.socket = context.socket(zmq.DEALER)
        self.socket.linger = 0
        self.socket.sndhwm = self.socket.rcvhwm = HIGH_WATER
        self.socket.reconnect_ivl = 50
        self.socket.heartbeat_ivl, self.socket.heartbeat_timeout = 200, 800
        self.socket.curve_publickey = keys_in(folder / "keys" / "operator.pub")[0]
        self.socket.curve_secretkey = keys_in(folder / "keys" / "operator.key")[0]
        self.socket.curve_serverkey = keys_in(folder / "keys" / f"{broker}.pub")[0]
        self.socket.connect(f"tcp://{address}:5550")
        self.answers = {}


class ThreeHosts(unittest.TestCase):
    """All of it is one system, which takes seconds to start: the tests go by their names."""

    @classmethod
    def setUpClass(cls):
        cls.stack = contextlib.ExitStack()
        cls.addClassCleanup(cls.stack.close)
        cls.network = Network(cls.stack)
        root = pathlib.Path(cls.stack.enter_context(tempfile.TemporaryDirectory()))
        made = root / "made"
        made.mkdir()
        shutil.copy(SOURCE / "examples" / "three-hosts" / "shop.yaml", made)
        subprocess.run([str(BIN / "troupe"), "keys", "new", str(made / "shop.yaml")], check=True,
                       capture_output=True)
        cls.folders = {host: cls.host_folder(root / host, made, host) for host in HOSTS}
        cls.ups = {}
        for host in HOSTS:
            cls.ups[host] = Up(host, cls.folders[host])
            cls.stack.callback(cls.kill, cls.ups[host])
        with inside("alpha"):
            cls.context = zmq.Context()
            cls.stack.callback(cls.context.destroy, linger=0)
            cls.client = Operator(cls.context, cls.folders["alpha"], "b1", HOSTS["alpha"])
            cls.at_beta = Operator(cls.context, cls.folders["alpha"], "b2", HOSTS["beta"])
            assert cls.client.call("echo", "echo", {"payload": "x"}, ttl=10_000, within=30).ok

    @staticmethod
    def host_folder(folder: pathlib.Path, made: pathlib.Path, host: str) -> pathlib.Path:
        """What belongs on a host: the file, all public keys, and the secret ones of its processes."""
        (folder / "keys").mkdir(parents=True)
        shutil.copy(made / "shop.yaml", folder)
        mine = PROCESSES[host] | ({"operator"} if host == "alpha" else set())
        for file in (made / "keys").iterdir():
            if file.suffix == ".pub" or file.stem in mine:
                shutil.copy(file, folder / "keys")
        return folder

    @staticmethod
    def kill(up: Up) -> None:
        if up.child.poll() is None:
            up.child.send_signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                up.child.wait(2 * PATIENCE)
        up.child.kill()
        up.child.wait()

    def wishes(self, count: int) -> dict[bytes, tuple]:
        return {new_id(): ("order_saga", "place",
                           {"customer": "c", "currency": "EUR", "card": "tok",
                            "items": [{"sku": "tea", "quantity": 1}]})
                for _ in range(count)}

    def left(self) -> int:
        stock = resend_until_answered(
            self.client, {new_id(): ("inventory", "stock", {"sku": "tea"})}, 2 * PATIENCE)
        return next(iter(stock.values())).body["available"]

    def place(self, wishes: dict[bytes, tuple]) -> None:
        """Sends each under its id until it is answered: all are, and each took one from the shelf."""
        before = self.left()
        for call_id, (to, op, body) in wishes.items():
            self.client.send(to, op, body, call_id=call_id, ttl=10_000)
        answers = resend_until_answered(self.client, wishes, 4 * PATIENCE)
        self.assertEqual(set(wishes), set(answers))
        self.assertEqual(before - len(wishes), self.left())

    def test_1_each_host_runs_its_own(self):
        for host, up in self.ups.items():
            started = {each["node"] for each in up.find("started")}
            elsewhere = {each["node"] for each in up.find("runs_elsewhere")}
            self.assertEqual(PROCESSES[host], started)
            self.assertEqual(set().union(*PROCESSES.values()) - started, elsewhere)
        said = subprocess.run(
            [str(BIN / "troupe"), "up", str(self.folders["alpha"] / "shop.yaml"), "--host", "delta"],
            capture_output=True, text=True, timeout=PATIENCE, check=False)
        self.assertNotEqual(0, said.returncode)
        self.assertIn("its hosts are alpha, beta, gamma", said.stderr)

    def test_2_orders_go_over_all_hosts(self):
        loaded = self.client.call("inventory", "load", {"items": [
            {"sku": "tea", "price_cents": 500, "currency": "EUR", "quantity": 10_000}]})
        self.assertTrue(loaded.ok, loaded)
        self.place(self.wishes(20))

    def test_3_a_host_that_is_cut_off_loses_nothing(self):
        wishes = self.wishes(40)
        self.network.cut("gamma")
        try:
            for call_id, (to, op, body) in wishes.items():
                self.client.send(to, op, body, call_id=call_id, ttl=30_000)
            # Who is not cut off goes on.
            for _ in range(5):
                self.assertTrue(self.at_beta.call("echo", "echo", {"payload": "x"}).ok)
                self.assertTrue(self.client.call("echo", "echo", {"payload": "x"}).ok)
            # Its workers are lost before the link is mended.
            self.await_workers({"a1", "a2", "b1_orders"})
        finally:
            self.network.mend("gamma")
        answers = resend_until_answered(self.client, wishes, 4 * PATIENCE)
        self.assertEqual(set(wishes), set(answers))
        self.await_workers({"a1", "a2", "b1_orders", "g1_goods", "g2_goods"})
        self.assertEqual(10_000 - 60, self.left())

    def test_4_slow_links_that_lose_frames_lose_nothing_else(self):
        with self.network.slow(delay=0.01, loss=0.01) as switch:
            self.place(self.wishes(40))
            answers = [self.client.call("echo", "echo", {"payload": "x"}, ttl=10_000) for _ in range(20)]
            self.assertTrue(all(each.ok for each in answers), answers)
            self.assertGreater(switch.passed, 500)
            self.assertGreater(switch.lost, 0)
        self.await_workers({"a1", "a2", "b1_orders", "g1_goods", "g2_goods"})

    def test_5_a_host_that_is_heard_by_nobody_loses_nothing(self):
        """It hears the others, and what it says is lost: who hears nothing has to notice, and so has it."""
        wishes = self.wishes(40)
        before = self.left()
        with self.network.slow(delay=0.001, loss=0.0) as switch:
            switch.is_deaf_to = {"gamma"}
            for call_id, (to, op, body) in wishes.items():
                self.client.send(to, op, body, call_id=call_id, ttl=30_000)
            self.await_workers({"a1", "a2", "b1_orders"})
            switch.is_deaf_to = set()
            answers = resend_until_answered(self.client, wishes, 4 * PATIENCE)
        self.assertEqual(set(wishes), set(answers))
        self.await_workers({"a1", "a2", "b1_orders", "g1_goods", "g2_goods"})
        self.assertEqual(before - 40, self.left())

    def test_6_events_reach_each_capability_once_over_slow_links_that_are_cut(self):
        """Each confirmed order has left its event in the journal, once, whatever became of links."""
        wishes = self.wishes(30)
        with self.network.slow(delay=0.01, loss=0.01):
            for call_id, (to, op, body) in wishes.items():
                self.client.send(to, op, body, call_id=call_id, ttl=30_000)
            self.network.cut("beta")
            self.await_workers({"a1", "a2", "g1_goods", "g2_goods"})
            self.network.mend("beta")
            answers = resend_until_answered(self.client, wishes, 4 * PATIENCE)
        self.assertEqual(set(wishes), set(answers))
        self.await_workers({"a1", "a2", "b1_orders", "g1_goods", "g2_goods"})
        orders = {text_of(each) for each in wishes}
        until = time.monotonic() + 2 * PATIENCE
        while not orders <= set(told := self.confirmed_orders()):
            self.assertLess(time.monotonic(), until, orders - set(told))
        self.assertEqual(len(told), len(set(told)))

    def confirmed_orders(self) -> list[str]:
        """The keys of what the journal has of confirmed orders."""
        keys, where = [], {"from": "oldest"}
        while True:
            page = self.client.call("troupe.events", "read", {
                "patterns": ["order.confirmed"], "count": 100, "wait_ms": 0, **where}, ttl=10_000).body
            keys += [each["key"] for each in page["events"]]
            if not page["events"]:
                return keys
            where = {"after": page["next"]}

    def test_7_a_broker_that_dies_loses_nothing(self):
        wishes = self.wishes(40)
        before = self.left()
        for call_id, (to, op, body) in wishes.items():
            self.client.send(to, op, body, call_id=call_id, ttl=10_000)
        os.kill(self.ups["alpha"].find("started", "b1")[0]["pid"], signal.SIGKILL)
        answers = resend_until_answered(self.client, wishes, 4 * PATIENCE)
        self.assertEqual(set(wishes), set(answers))
        self.assertEqual(before - 40, self.left())

    def test_8_keys_are_replaced_on_all_hosts(self):
        """A host at a time, as a person would; the calls go on."""
        for host, folder in self.folders.items():
            rotated = subprocess.run(
                [str(BIN / "troupe"), "keys", "rotate", str(folder / "shop.yaml")],
                capture_output=True, text=True, check=True)
            for name in PROCESSES[host]:
                self.assertIn(f"replaced   {name} ", rotated.stdout)
        public = [file for host, folder in self.folders.items()
                  for file in (folder / "keys").glob("*.pub")
                  if file.stem in PROCESSES[host] or (host, file.stem) == ("alpha", "operator")]
        for folder in self.folders.values():
            for file in public:
                if file.parent != folder / "keys":
                    shutil.copy(file, folder / "keys")
        for host in ("gamma", "beta", "alpha"):
            # `ip netns exec` becomes what it runs.
            self.ups[host].child.send_signal(signal.SIGHUP)
            self.ups[host].wait_for("passed_on")
        self.client.close()
        with inside("alpha"):
            type(self).client = self.operator_with_new_key()
        self.place(self.wishes(20))

    def operator_with_new_key(self) -> Operator:
        """As soon as b1 knows it: libzmq does not come back by itself after a refusal."""
        until = time.monotonic() + 2 * PATIENCE
        while time.monotonic() < until:
            client = Operator(self.context, self.folders["alpha"], "b1", HOSTS["alpha"])
            client.send("echo", "echo", {"payload": "x"})
            if client.receive(1.0) is not None:
                return client
            client.close()
        raise AssertionError("b1 does not take the operator's new key")

    def test_9_all_stop_in_order(self):
        for host in ("gamma", "beta", "alpha"):
            self.assertEqual(0, self.ups[host].stop())
            self.assertEqual([], self.ups[host].find("killed"))

    def await_workers(self, expected: set[str]) -> None:
        until = time.monotonic() + 2 * PATIENCE
        while True:
            nodes = self.client.call("troupe.broker", "status").body["nodes"]
            if (seen := {each["name"] for each in nodes if each["live"]}) == expected:
                return
            self.assertLess(time.monotonic(), until, f"{seen} instead of {expected}")


def reason_to_skip() -> str:
    """Why this cannot be run here; nothing if it can."""
    if shutil.which("ip") is None:
        return "there is no `ip` (iproute2)"
    probe = name_of("probe")
    made = subprocess.run(["ip", "netns", "add", probe], capture_output=True, text=True, check=False)
    if made.returncode != 0:
        return f"no network namespace can be made: {made.stderr.strip()}"
    tried = subprocess.run(["ip", "-n", probe, "link", "add", "br0", "type", "bridge"],
                           capture_output=True, text=True, check=False)
    subprocess.run(["ip", "netns", "del", probe], check=False)
    return "" if tried.returncode == 0 else f"no bridge can be made: {tried.stderr.strip()}"


if __name__ == "__main__":
    if reason := reason_to_skip():
        print(f"skipped: {reason}")
        sys.exit(SKIPPED)
    unittest.main()
