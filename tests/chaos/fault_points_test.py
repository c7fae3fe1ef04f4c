"""Kills a process of the shop at every named fault point, one after the other, while orders are
placed; starts it again; and checks that every order was answered and the books agree.

A point that is never reached fails its test: it would prove nothing.
"""

import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time
import unittest

HERE = pathlib.Path(__file__).resolve().parent
SOURCE = pathlib.Path(os.environ.get("TROUPE_SOURCE", HERE.parent.parent))
BIN = pathlib.Path(os.environ.get("TROUPE_BIN", SOURCE / "build" / "dev" / "bin"))
SHOP = SOURCE / "examples" / "shop"

from fault_points import points_in

sys.path.insert(0, str(SHOP))
from shop_nodes import write_topology  # noqa: E402

SECONDS = 30.0
ORDERS = 50
# At which pass a point kills: late enough for orders to be under way, early enough to come. A
# broker passes its points for every step of every order.
PASSES_USUAL = {"b1": 150, "n1": 20}
# Points that are passed because something else happens, and at which pass then.
KILLED, STARTED_AGAIN, STOPPED = "n2 is killed", "n2 is killed and started", "b1 is told to stop"
OCCASIONS = {
    "takeover.before_fence": (1, KILLED),
    "broker.worker_lost": (1, KILLED),
    "broker.before_welcome": (3, STARTED_AGAIN),
    "broker.welcomed": (3, STARTED_AGAIN),
    "broker.draining": (1, STOPPED),
    "broker.before_bye": (1, STOPPED),
    # An event passes these once, and many share a write: on a crowded machine, most of them.
    "bus.relay_received": (20, ""),
    "bus.before_write": (20, ""),
    "bus.before_confirm": (20, ""),
    "bus.confirmed": (20, ""),
    "bus.handled_received": (5, ""),
    "journal.before_commit": (8, ""),
    "journal.committed": (8, ""),
    # Each worker handles about half of the events.
    "event.before_handler": (5, ""),
    "relay.confirmed": (5, ""),
}
# Points that no capability of the shop ever passes, and where they are tested.
NOT_IN_THE_SHOP = {
    "broker.journal_opened": "tests/integration/shared_journal_test.py",
    "broker.journal_taken": "tests/integration/shared_journal_test.py",
    **{f"migrate.{each}": "tests/chaos/migrate_test.py" for each in (
        "begun", "made", "ready", "equal", "all_equal", "files_shut", "aside", "left", "named", "through")},
    "copy.batch": "tests/chaos/migrate_test.py",
    **{each: "tests/integration/moved_data_test.py" for each in (
        "backup.looked", "migrate.checked", "restore.checked", "restore.filled")},
    **{f"restore.{each}": "tests/integration/brought_back_test.py" for each in (
        "copied", "signed", "aside", "exchanged")},
    "storeless.before_handler": "tests/integration/promises_test.py",
    "timers.before_move": "tests/integration/worker_events_test.py",
}


def fault_points() -> dict[str, str]:
    """Every point, and the node whose process passes it."""
    return {name: "b1" if is_broker else "n1" for name, is_broker in points_in(SOURCE).items()}


class Shop:
    """A broker and two workers, each a child process that the test itself starts and kills."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.folder = folder
        self.topology, self.brokers = write_topology(SHOP / "shop.yaml", folder)
        self.processes: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, name: str, environment: dict[str, str] | None = None) -> None:
        program = "troupe-broker" if name.startswith("b") else "troupe-worker"
        with (self.folder / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(
                [str(BIN / program), str(self.topology), "--node", name],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env={**os.environ, **(environment or {})})

    def await_ready(self) -> None:
        deadline = time.monotonic() + SECONDS
        while self.run("troupe", "status", str(self.topology), "--json").returncode != 0:
            if time.monotonic() > deadline:
                raise AssertionError(f"the shop did not come up\n{self.logs()}")

    def run(self, program: str, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([str(BIN / program), *words], capture_output=True, text=True,
                              timeout=2 * SECONDS, check=False)

    def client_words(self) -> list[str]:
        return [word for each in self.brokers for word in ("--broker", each)]

    def kill(self, name: str) -> None:
        self.processes[name].kill()
        self.processes[name].wait(SECONDS)

    def stop(self) -> None:
        for process in self.processes.values():
            if process.poll() is None:
                process.terminate()
        for process in self.processes.values():
            try:
                process.wait(SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def logs(self) -> str:
        return "\n".join(f"--- {path.name}\n{path.read_text()[-3000:]}"
                         for path in sorted(self.folder.glob("*.log")))


class FaultPoints(unittest.TestCase):
    def place_orders(self, shop: Shop) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [str(BIN / "shop-place-orders"), "--stock", str(SHOP / "stock.json"),
             "--orders", str(SHOP / "orders.jsonl"), "--count", str(ORDERS), "--rate", "150",
             "--outstanding", "16", "--log", str(shop.folder / "orders.log"),
             *shop.client_words()],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def await_death(self, shop: Shop, victim: str) -> None:
        try:
            status = shop.processes[victim].wait(SECONDS)
        except subprocess.TimeoutExpired:
            self.fail("the point was never reached")
        self.assertEqual(-signal.SIGKILL, status, shop.logs())

    def check_books(self, shop: Shop) -> None:
        done = subprocess.run(
            [sys.executable, str(HERE / "checker.py"), "--data", str(shop.folder / "data"),
             "--client-log", str(shop.folder / "orders.log"),
             "--orders", str(SHOP / "orders.jsonl"), "--wait-quiet", str(SECONDS)],
            capture_output=True, text=True, check=False)
        self.assertEqual(0, done.returncode, done.stdout + done.stderr + shop.logs())

    def kill_at(self, point: str, victim: str) -> None:
        folder = tempfile.TemporaryDirectory(prefix="troupe-faults-")
        self.addCleanup(folder.cleanup)
        shop = Shop(pathlib.Path(folder.name))
        self.addCleanup(shop.stop)
        reached = shop.folder / "reached"
        at_pass, occasion = OCCASIONS.get(point, (PASSES_USUAL[victim], ""))
        plan = {"TROUPE_FAULT_PLAN": f"{point}=kill@{at_pass}",
                "TROUPE_FAULT_LOG": str(reached)}
        for name in ("b1", "n1", "n2"):
            shop.start(name, plan if name == victim else None)
        shop.await_ready()
        orders = self.place_orders(shop)
        self.addCleanup(orders.communicate)
        self.addCleanup(orders.kill)
        if occasion in (KILLED, STARTED_AGAIN):
            shop.kill("n2")
        if occasion == STARTED_AGAIN:
            shop.start("n2")
        if occasion == STOPPED:
            shop.processes["b1"].terminate()
        self.await_death(shop, victim)
        self.assertIn(point, reached.read_text().split())

        for name, process in list(shop.processes.items()):
            if process.poll() is not None:
                shop.start(name)
        said, _ = orders.communicate(timeout=2 * SECONDS)

        self.assertEqual(0, orders.returncode, said + shop.logs())
        result = json.loads(said.splitlines()[-1])
        self.assertEqual((ORDERS, 0), (result["answered"], result["unanswered"]), said)
        self.assertEqual({}, result["failed_calls"], said)
        shop.await_ready()
        self.check_books(shop)


def _add_tests() -> None:
    for point, victim in fault_points().items():
        if point in NOT_IN_THE_SHOP:
            continue

        def test(self: FaultPoints, point: str = point, victim: str = victim) -> None:
            self.kill_at(point, victim)
        setattr(FaultPoints, "test_" + re.sub(r"\W", "_", point), test)


_add_tests()


class TheList(unittest.TestCase):
    def test_has_the_points_around_a_commit_and_those_of_a_call_in_a_broker(self) -> None:
        self.assertLessEqual({"turn.before_commit", "turn.committed", "turn.before_replies",
                              "broker.call_received", "broker.before_deliver",
                              "broker.reply_received", "broker.before_answer"},
                             set(fault_points()))

    def test_leaves_out_no_more_than_it_says(self) -> None:
        self.assertLessEqual(NOT_IN_THE_SHOP.keys() | OCCASIONS.keys(), set(fault_points()))
        for point, where in NOT_IN_THE_SHOP.items():
            self.assertIn(point, (SOURCE / where).read_text())


if __name__ == "__main__":
    unittest.main()
