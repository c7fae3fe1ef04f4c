"""The shop moves to PostgreSQL and back while orders are under way: everything is killed, the data are moved by a
command that is killed at each of its steps, and the shop goes on there. No order is lost, none is done twice."""

import contextlib
import os
import pathlib
import random
import re
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
import unittest

import postgres_server

SOURCE = pathlib.Path(os.environ.get("TROUPE_SOURCE", pathlib.Path(__file__).parents[2]))
BIN = pathlib.Path(os.environ.get("TROUPE_BIN", SOURCE / "build" / "dev" / "bin")).absolute()
SHOP = SOURCE / "examples" / "shop"
sys.path.insert(0, str(SHOP))

from demo import Load, run_checker  # noqa: E402
from shop_nodes import Nodes, write_topology  # noqa: E402

ORDERS = 600
DRAWN_RUNS = 20
# A command that dies so often in one move is let through then.
DRAWN_DEATHS_MAX = 4
FIRST_MOVE_SECONDS = 0.5
SECONDS = 60.0
# Where the command dies, one run after the other; each goes on where the one before has ended.
DEATHS_TO_SERVER = (
    "migrate.begun=kill", "migrate.made=kill@2", "migrate.ready=kill@2", "copy.batch=kill@9",
    "migrate.equal=kill@3", "copy.batch=kill@31", "migrate.files_shut=kill", "migrate.all_equal=kill",
    "migrate.aside=kill@2", "migrate.through=kill")
DEATHS_TO_FILES = (
    "migrate.begun=kill", "migrate.made=kill@2", "migrate.ready=kill@2", "copy.batch=kill@9",
    "migrate.equal=kill@3", "copy.batch=kill@31", "migrate.all_equal=kill", "migrate.left=kill",
    "migrate.named=kill@2", "migrate.through=kill")
# What a place has of its own: the name of the system, and who has the journal's lease.
OF_THE_PLACE = {"troupe_meta": {"system"},
                "journal": {"owner", "owner_name", "owner_at", "owner_key", "owner_since", "lease_until"}}


def databases(folder: pathlib.Path) -> list[pathlib.Path]:
    """The databases that move: a gateway's keys stay where they are."""
    return sorted(each for each in folder.glob("*.db") if each.stem != "gateway")


@unittest.skipUnless(postgres_server.programs(), "PostgreSQL is not installed")
class Migration(unittest.TestCase):
    maxDiff = None

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.data = self.folder / "data"
        self.data.mkdir()
        self.server = postgres_server.PostgresServer()
        self.addCleanup(self.server.close)
        self.on_files, self.brokers = write_topology(SHOP / "shop.yaml", self.folder)
        text, count = re.subn(r'store: "sqlite:data/\{capability\}\.db"',
                              f'store: "{self.server.url}"\nevents: {{journal: "{self.server.url}"}}',
                              self.on_files.read_text())
        self.assertEqual(1, count)
        self.on_server = self.folder / "on_server.yaml"
        self.on_server.write_text(text)
        if not re.search(r"^events:", self.on_files.read_text(), re.M):
            return
        self.fail("the shop's topology has events of its own: this test has to set their journal")

    def start(self, topology: pathlib.Path) -> Nodes:
        nodes = Nodes(BIN, topology)
        self.addCleanup(nodes.stop)
        nodes.wait_until_ready(SECONDS)
        return nodes

    def place_orders(self) -> Load:
        brokers = [word for each in self.brokers for word in ("--broker", each)]
        subprocess.run([str(BIN / "shop-place-orders"), "--stock", str(SHOP / "stock.json"), *brokers],
                       check=True, capture_output=True)
        load = Load([str(BIN / "shop-place-orders"), "--orders", str(SHOP / "orders.jsonl"),
                     "--count", str(ORDERS), "--outstanding", "64", "--rate", "150",
                     "--patience-ms", "600000", "--log", str(self.folder / "client.log"), *brokers])
        self.addCleanup(load.end)
        return load

    def troupe(self, *words: object, fault: str = "") -> subprocess.CompletedProcess:
        return subprocess.run(
            [str(BIN / "troupe"), *map(str, words)], cwd=self.folder, capture_output=True, text=True,
            timeout=SECONDS, check=False,
            env={**os.environ, **({"TROUPE_FAULT_PLAN": fault} if fault else {})})

    def migrate(self, *words: str, fault: str = "") -> subprocess.CompletedProcess:
        return self.troupe("migrate", self.on_server, *words, fault=fault)

    def refused_start(self, topology: pathlib.Path, node: str, wanted: str) -> None:
        """A process that must not start while data are on their way."""
        done = subprocess.run([str(BIN / "troupe-broker"), str(topology), "--node", node],
                              cwd=self.folder, capture_output=True, text=True, timeout=SECONDS, check=False)
        self.assertNotEqual(0, done.returncode)
        self.assertIn(wanted, done.stderr)

    def move(self, words: tuple[str, ...], deaths: tuple[str, ...], refusals: dict[str, tuple]) -> str:
        """Moves the data, over the command's deaths. What the last one said."""
        for fault in deaths:
            died = self.migrate(*words, fault=fault)
            self.assertEqual(-signal.SIGKILL, died.returncode, f"{fault}: {died.stdout}{died.stderr}")
            for topology, wanted in refusals.get(fault, ()):
                self.refused_start(topology, "b1", wanted)
        done = self.migrate(*words)
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)
        return done.stdout

    def content(self, folder: pathlib.Path) -> dict[tuple[str, str], list]:
        """Every row of every table of the databases in a folder."""
        found = {}
        for path in databases(folder):
            name = {"troupe_journal": "journal"}.get(path.stem, path.stem)
            with contextlib.closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as session:
                for table, in session.execute("SELECT name FROM sqlite_master WHERE type = 'table' "
                                              "AND name NOT LIKE 'sqlite_%'").fetchall():
                    columns = [each[1] for each in session.execute(f'PRAGMA table_info("{table}")')
                               if each[1] not in OF_THE_PLACE.get(table, ())]
                    rows = session.execute("SELECT {} FROM \"{}\"".format(
                        ", ".join(f'"{each}"' for each in columns), table)).fetchall()
                    if table == "schema_versions":
                        rows = [row for row in rows if row[0] != "troupe.lease"]
                    found[name, table] = sorted(rows, key=repr)
        return found

    def server_content(self) -> dict[tuple[str, str], list]:
        with tempfile.TemporaryDirectory() as name:
            copy = pathlib.Path(name)
            self.server.copy_to_files(copy)
            return {each: rows for each, rows in self.content(copy).items() if each[0] != "troupe_migration"}

    def assert_same(self, one: dict, other: dict) -> None:
        self.assertEqual(sorted(one), sorted(other))
        for table, rows in one.items():
            self.assertEqual(rows, other[table], table)

    def await_quiet(self) -> None:
        quiet = run_checker(self.folder, "--wait-quiet", str(SECONDS), "--quiet-only")
        self.assertEqual(0, quiet.returncode, quiet.stdout + quiet.stderr)

    def move_over_drawn_deaths(self, drawn: random.Random, words: tuple[str, ...], seconds: float) -> tuple[int, float]:
        """Moves the data by a command that is killed at any moment of its work. How often it was, and the longest time
        that it took when it was not."""
        for deaths in range(DRAWN_DEATHS_MAX + 1):
            began = time.monotonic()
            command = subprocess.Popen(
                [str(BIN / "troupe"), "migrate", str(self.on_server), *words], cwd=self.folder,
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            with command:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    command.wait(drawn.uniform(0, seconds) if deaths < DRAWN_DEATHS_MAX else SECONDS)
                command.kill()
                said = command.stdout.read()
            if command.returncode == 0:
                return deaths, time.monotonic() - began
            self.assertEqual(-signal.SIGKILL, command.returncode, said)
        raise AssertionError("it does not end")

    def test_a_move_that_is_killed_at_drawn_moments_ends_with_equal_data(self) -> None:
        seed = int(os.environ.get("TROUPE_SEED", time.time_ns() % 1_000_000))
        drawn = random.Random(seed)
        nodes = self.start(self.on_files)
        load = self.place_orders()
        self.assertTrue(load.wait(SECONDS, ORDERS // 4))
        nodes.kill_all()
        load.end()
        before = self.content(self.data)
        seconds, deaths = FIRST_MOVE_SECONDS, 0
        for run in range(DRAWN_RUNS):
            for words, content in ((("--from", "sqlite", "--to", "postgresql"), self.server_content),
                                   (("--from", "postgresql", "--to", "sqlite"), lambda: self.content(self.data))):
                with self.subTest(seed=seed, run=run, words=words):
                    died, took = self.move_over_drawn_deaths(drawn, words, seconds)
                    deaths += died
                    seconds = max(took, FIRST_MOVE_SECONDS)
                    moved = content()
                    if words[1] == "sqlite":  # What an earlier round left is put aside under other names.
                        moved = {each: rows for each, rows in moved.items() if "-left-" not in each[0]}
                    self.assert_same(before, moved)
        print(f"{DRAWN_RUNS} moves there and back, killed {deaths} times (TROUPE_SEED={seed})")
        self.assertGreater(deaths, DRAWN_RUNS)
        nodes = self.start(self.on_files)
        self.await_quiet()
        self.assertTrue(nodes.stop())

    def test_a_shop_moves_to_postgresql_and_back_with_everything_under_way(self) -> None:
        nodes = self.start(self.on_files)
        load = self.place_orders()
        self.assertTrue(load.wait(SECONDS, ORDERS // 4))
        used = self.migrate("--from", "sqlite", "--to", "postgresql")
        self.assertEqual(4, used.returncode)
        self.assertIn("the system runs", used.stderr)
        nodes.kill_all()

        files_before = self.content(self.data)
        self.assertTrue(any(rows for (_, table), rows in files_before.items() if table == "sagas"))
        dry = self.migrate("--from", "sqlite", "--to", "postgresql", "--dry-run")
        self.assertEqual(0, dry.returncode, dry.stdout + dry.stderr)
        self.assertEqual([], self.server.psql("SELECT 1 FROM pg_namespace WHERE nspname = 'orders';"))
        self.move(("--from", "sqlite", "--to", "postgresql"), DEATHS_TO_SERVER, {
            "migrate.begun=kill": [(self.on_server, "data are being brought into this database")],
            "migrate.files_shut=kill": [(self.on_files, "being moved")]})
        self.assertEqual([], databases(self.data))
        (aside,) = self.data.glob("moved-*")
        self.assert_same(files_before, self.content(aside))
        self.assert_same(files_before, self.server_content())
        self.refused_start(self.on_files, "b1", "was here before")

        answered = load.answered
        nodes = self.start(self.on_server)
        self.assertTrue(load.wait(SECONDS, answered + ORDERS // 4), "nothing is answered on the server")
        self.assertFalse(load.over)
        used = self.migrate("--from", "postgresql", "--to", "sqlite")
        self.assertEqual(4, used.returncode)
        self.assertIn("the system runs", used.stderr)
        nodes.kill_all()

        self.move(("--from", "postgresql", "--to", "sqlite"), DEATHS_TO_FILES, {
            "migrate.begun=kill": [(self.on_server, "being moved out of this database")],
            "migrate.made=kill@2": [(self.on_files, "being moved")],
            "migrate.left=kill": [(self.on_server, "used there")]})
        self.assert_same(self.server_content(), self.content(self.data))
        self.assertEqual([], list(self.data.glob("*.migrating*")))
        self.refused_start(self.on_server, "b1", "used there")

        nodes = self.start(self.on_files)
        self.assertTrue(load.wait(SECONDS * 2), "the client hangs")
        errors = load.end()
        self.assertIsNotNone(load.result, errors)
        self.assertEqual(ORDERS, load.result["answered"], load.result)
        self.await_quiet()
        status = self.troupe("status", self.on_files, "--json")
        self.assertTrue(nodes.stop())
        self.assertNotIn('"is":"wrong"', status.stdout.replace(" ", ""))
        done = run_checker(self.folder, "--client-log", str(self.folder / "client.log"),
                           "--orders", str(SHOP / "orders.jsonl"), "--json")
        self.assertEqual(0, done.returncode, done.stdout[:4000] + done.stderr)

        # And once more: what is on the server is old, and put aside there.
        done = self.migrate("--from", "sqlite", "--to", "postgresql")
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)
        self.assertEqual(["1"], self.server.psql(
            "SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'orders-left-%';"))


if __name__ == "__main__":
    unittest.main(verbosity=2)  # Says why it is skipped.
