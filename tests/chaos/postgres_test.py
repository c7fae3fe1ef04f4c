"""The shop with the stores of all its capabilities on PostgreSQL: a worker and the server itself are killed
under load, and the books are judged by the checker that judges files."""

import contextlib
import json
import os
import pathlib
import re
import sqlite3
import subprocess
import sys
import tempfile
import unittest

import postgres_server

SOURCE = pathlib.Path(os.environ.get("TROUPE_SOURCE", pathlib.Path(__file__).parents[2]))
BIN = pathlib.Path(os.environ.get("TROUPE_BIN", SOURCE / "build" / "dev" / "bin"))
SHOP = SOURCE / "examples" / "shop"
sys.path.insert(0, str(SHOP))

from demo import Load, run_checker  # noqa: E402
from shop_nodes import Nodes, write_topology  # noqa: E402

ORDERS = 400
SECONDS = 60.0


@unittest.skipUnless(postgres_server.programs(), "PostgreSQL is not installed")
class ShopOnPostgres(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.server = postgres_server.PostgresServer()
        self.addCleanup(self.server.close)
        self.topology, self.brokers = write_topology(SHOP / "shop.yaml", self.folder)
        text, count = re.subn(r'store: "sqlite:data/\{capability\}\.db"', f'store: "{self.server.url}"',
                              self.topology.read_text())
        self.assertEqual(1, count)
        self.topology.write_text(text)
        (self.folder / "data").mkdir()
        self.nodes = Nodes(BIN, self.topology)
        self.addCleanup(self.nodes.stop)
        self.nodes.wait_until_ready(SECONDS)

    def client(self, *words: str) -> list[str]:
        return [str(BIN / "shop-place-orders"), *words,
                *(word for each in self.brokers for word in ("--broker", each))]

    def begin_load(self, orders: int, rate: float) -> Load:
        loaded = subprocess.run(self.client("--stock", str(SHOP / "stock.json")), capture_output=True,
                                text=True, check=False)
        self.assertEqual(0, loaded.returncode, loaded.stderr)
        load = Load(self.client("--orders", str(SHOP / "orders.jsonl"), "--count", str(orders),
                                "--outstanding", "64", "--rate", str(rate),
                                "--log", str(self.folder / "client.log")))
        self.addCleanup(load.end)
        return load

    def last_words(self) -> str:
        return "\n".join(f"{path.name}:\n" + "\n".join(path.read_text().splitlines()[-40:])
                         for path in sorted(self.nodes.log_folder.glob("*.log")))

    def judge(self, load: Load, orders: int) -> dict:
        """Waits until all is answered and done, stops the shop, and reads the books."""
        self.assertTrue(load.wait(SECONDS * 2), "the client hangs\n" + self.last_words())
        errors = load.end()
        self.assertIsNotNone(load.result, errors)
        self.wait_until_quiet()
        stopped_well = self.nodes.stop()
        self.server.copy_to_files(self.folder / "data")
        done = run_checker(self.folder, "--client-log", str(self.folder / "client.log"),
                           "--orders", str(SHOP / "orders.jsonl"), "--json")
        self.assertNotEqual(2, done.returncode, done.stderr)
        check = json.loads(done.stdout)
        self.assertTrue(check["safe"], done.stdout[:4000])
        self.assertEqual("good", check["verdict"], done.stdout[:4000] + self.last_words())
        self.assertEqual(orders, load.result["answered"], load.result)
        self.assertTrue(stopped_well)
        return check

    def wait_until_quiet(self) -> None:
        """Until no copy of the databases has anything under way."""
        for _ in range(200):
            with tempfile.TemporaryDirectory() as name:
                copy = pathlib.Path(name)
                (copy / "data").mkdir()
                self.server.copy_to_files(copy / "data")
                with contextlib.closing(sqlite3.connect(copy / "data" / "journal.db")) as journal, \
                        contextlib.closing(sqlite3.connect(self.folder / "data" / "journal.db")) as live:
                    live.backup(journal)
                quiet = run_checker(copy, "--quiet-only")
                if quiet.returncode == 0:
                    return
        self.fail("it does not come to rest: " + quiet.stdout + quiet.stderr + self.last_words())

    def test_every_capability_runs_on_a_server(self) -> None:
        load = self.begin_load(100, 0)
        check = self.judge(load, 100)
        self.assertEqual(100, check["counts"]["acknowledged"])

    def test_a_worker_and_the_server_are_killed(self) -> None:
        load = self.begin_load(ORDERS, 100)
        self.assertTrue(load.wait(SECONDS, ORDERS // 4))
        pid, _ = self.nodes.kill("n1")
        self.nodes.wait_for_another("n1", pid, SECONDS)
        self.assertTrue(load.wait(SECONDS, ORDERS // 2), self.last_words())
        self.server.kill()
        self.server.start()
        self.judge(load, ORDERS)
        logs = "".join(path.read_text() for path in self.nodes.log_folder.glob("*.log"))
        self.assertIn("store.back", logs)
        self.assertNotIn("breaker.open", logs)


if __name__ == "__main__":
    unittest.main(verbosity=2)  # Says why it is skipped.
