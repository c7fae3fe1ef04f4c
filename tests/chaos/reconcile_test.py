"""`troupe reconcile` as the oracle of a shop whose processes are killed: no false alarm while orders are under way,
none once all is quiet, and no blindness: what is damaged then is found.

    tests/chaos/reconcile_test.py                                  # 1,000 orders, two kills
    tests/chaos/reconcile_test.py --orders 10000 --kills 12        # the proof: ctest -R reconciled_shop_long
"""

import argparse
import contextlib
import json
import os
import pathlib
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import unittest

SOURCE = pathlib.Path(os.environ.get("TROUPE_SOURCE", pathlib.Path(__file__).parents[2]))
BIN = pathlib.Path(os.environ.get("TROUPE_BIN", SOURCE / "build" / "dev" / "bin")).absolute()
SHOP = SOURCE / "examples" / "shop"
sys.path.insert(0, str(SHOP))

import demo  # noqa: E402
from demo_report import Screen  # noqa: E402
from shop_nodes import Nodes, write_topology  # noqa: E402

OK, FAULTS = 0, 1
# A saga may take its deadline, ten seconds, and its undos.
UNDER_WAY = "15s"
MANY = argparse.Namespace(orders=1_000, kills=2)
# From so many on, what the capability found is waited for.
PROOF = 10_000


class Oracle(threading.Thread):
    """Runs `troupe reconcile` again and again. A pass that fails, as nobody answers, is no alarm."""

    def __init__(self, topology: pathlib.Path, rules: pathlib.Path) -> None:
        super().__init__(daemon=True)
        self._words = (topology, rules)
        self._over = threading.Event()
        self.alarms: list[dict] = []
        self.passes = 0
        self.judged = 0

    def run(self) -> None:
        while not self._over.wait(0.2):
            _, said = reconcile(*self._words, "--deadline", "2s")
            self.passes += 1
            self.alarms += [each for each in said if "key" in each]
            self.judged += sum(each.get("judged", 0) for each in said)

    def end(self) -> None:
        self._over.set()
        self.join(120)


def reconcile(topology: pathlib.Path, rules: pathlib.Path, *more: str) -> tuple[int, list[dict]]:
    done = subprocess.run([str(BIN / "troupe"), "reconcile", str(topology), str(rules), "--json", "--recheck", "500ms",
                           *more], capture_output=True, text=True, timeout=300, check=False)
    return done.returncode, [json.loads(line) for line in done.stdout.splitlines()]


def rules_with(folder: pathlib.Path, settle: str) -> pathlib.Path:
    path = folder / f"settle-{settle}.yaml"
    path.write_text((SHOP / "invariants.yaml").read_text().replace("    match:", f"    settle: {settle}\n    match:"))
    return path


class Reconciled(unittest.TestCase):
    maxDiff = None

    def start(self) -> tuple[pathlib.Path, list[str], Nodes]:
        folder = tempfile.TemporaryDirectory(prefix="troupe-reconcile-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        topology, brokers = write_topology(SHOP / "shop.yaml", self.folder)
        # The capability compares all the time, too.
        text = topology.read_text()
        eager = text.replace("every: 5m}", f"every: 1s, settle: {UNDER_WAY}}}")
        self.assertNotEqual(text, eager)
        topology.write_text(eager)
        (self.folder / "data").mkdir()
        nodes = Nodes(BIN, topology)
        self.addCleanup(nodes.stop)
        nodes.wait_until_ready(demo.READY_SECONDS)
        return topology, brokers, nodes

    def inconsistencies(self) -> int:
        with contextlib.closing(sqlite3.connect(self.folder / "data" / "journal.db", timeout=30)) as session:
            return session.execute("SELECT COUNT(*) FROM events JOIN topics ON topics.id = events.topic "
                                   "WHERE topics.name LIKE 'data.inconsistency.%'").fetchone()[0]

    def await_judged_by_the_capability(self, topology: pathlib.Path) -> None:
        """Waits until the capability itself has judged every order under each invariant, as none is under way any more."""
        until = time.monotonic() + 180
        while True:
            said = subprocess.run([str(BIN / "troupe"), "call", str(topology), "reconciliation.passes", "{}", "--json"],
                                  capture_output=True, text=True, timeout=60, check=False)
            passes = json.loads(said.stdout).get("passes", []) if said.returncode == 0 else []
            judged = {each["invariant"]: each["judged"] for each in passes}
            if passes and set(judged.values()) == {MANY.orders}:
                self.assertEqual({0}, {each["open_cases"] for each in passes})
                print(f"the capability judged {MANY.orders} orders under each of {len(passes)} invariants", file=sys.stderr)
                return
            self.assertLess(time.monotonic(), until, f"{said.stdout}{said.stderr}")
            threading.Event().wait(0.5)

    def test_no_false_alarm_while_processes_are_killed_and_damage_is_found(self) -> None:
        topology, brokers, nodes = self.start()
        wanted = demo.parse(["--bin", str(BIN), "--orders", str(MANY.orders), "--kill", "all",
                             "--kills", str(MANY.kills), "--rate", "300"])
        demo.load_stock(wanted, brokers)
        oracle = Oracle(topology, rules_with(self.folder, UNDER_WAY))
        oracle.start()
        load, kills, trouble = demo.place_orders(wanted, self.folder, brokers, nodes, Screen())
        quiet = demo.run_checker(self.folder, "--wait-quiet", "60", "--quiet-only")
        self.assertEqual(0, quiet.returncode, quiet.stdout + quiet.stderr)
        oracle.end()

        self.assertEqual((None, MANY.kills), (trouble, len(kills)))
        self.assertEqual([], oracle.alarms)
        at_once = rules_with(self.folder, "0s")
        code, said = reconcile(topology, at_once)
        self.assertEqual((OK, []), (code, [each for each in said if "key" in each]), said)
        self.assertEqual({MANY.orders}, {each["left_rows"] for each in said})
        if MANY.orders >= PROOF:
            self.await_judged_by_the_capability(topology)
        self.assertEqual(0, self.inconsistencies())

        with contextlib.closing(sqlite3.connect(
                self.folder / "data" / "inventory.db", timeout=60, isolation_level=None)) as session:
            session.execute("DELETE FROM reservations WHERE state = 'held' AND order_id IN ("
                            "SELECT order_id FROM reservations WHERE state = 'held' LIMIT 1)")
        code, said = reconcile(topology, at_once)
        self.assertEqual((FAULTS, ["confirmed_order_has_reservation"]),
                         (code, [each["invariant"] for each in said if "key" in each]))
        print(f"{load['confirmed']} of {MANY.orders} orders confirmed, {len(kills)} kills; {oracle.passes} runs under "
              f"way judged {oracle.judged} keys: no false alarm", file=sys.stderr)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--orders", type=int, default=MANY.orders)
    parser.add_argument("--kills", type=int, default=MANY.kills)
    MANY, rest = parser.parse_known_args()
    unittest.main(argv=[sys.argv[0], *rest])
