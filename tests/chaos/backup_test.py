"""A backup under load, brought back: clients ask again for all they asked, and the books are good.

What was charged after the backup stays charged: the provider knows the keys, and each charge must still be there
once. The spool of mails is set back as well, since a letter says when its order was placed.
"""

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
import uuid

SOURCE = pathlib.Path(os.environ.get("TROUPE_SOURCE", pathlib.Path(__file__).parents[2]))
BIN = pathlib.Path(os.environ.get("TROUPE_BIN", SOURCE / "build" / "dev" / "bin")).absolute()
SHOP = SOURCE / "examples" / "shop"
sys.path += [str(SHOP), str(SOURCE / "tests" / "integration"), str(SOURCE / "tests" / "chaos")]

import postgres_server  # noqa: E402
import zmq  # noqa: E402
from demo import Load, run_checker  # noqa: E402
from harness import Client  # noqa: E402
from shop_nodes import Nodes, write_topology  # noqa: E402
from wishes import sorted_keys  # noqa: E402

ORDERS = 800  # At 300 a second: some come after the copy, however slow the machine is.
PATIENCE = 60.0


class Backup(unittest.TestCase):
    maxDiff = None
    in_use = "is in use by the process"

    def setUp(self) -> None:
        self._folder = tempfile.TemporaryDirectory()
        self.addCleanup(self._folder.cleanup)
        self.folder = pathlib.Path(self._folder.name)
        self.topology, self.brokers = write_topology(SHOP / "shop.yaml", self.folder)
        (self.folder / "data").mkdir()
        # Enough of everything: orders that the backup does not have are decided anew, in another order, and who
        # comes first to the last piece would get another answer than before.
        stock = json.loads((SHOP / "stock.json").read_text())
        for item in stock["items"]:
            item["quantity"] = 100_000
        self.stock = self.folder / "stock.json"
        self.stock.write_text(json.dumps(stock))

    def troupe(self, *words: object, code: int = 0) -> str:
        done = subprocess.run([str(BIN / "troupe"), *map(str, words)], cwd=self.folder,
                              capture_output=True, text=True, timeout=PATIENCE, check=False)
        self.assertEqual(code, done.returncode, done.stdout + done.stderr)
        return done.stdout + done.stderr

    def start(self) -> Nodes:
        nodes = Nodes(BIN, self.topology)
        self.addCleanup(nodes.stop)
        nodes.wait_until_ready(PATIENCE)
        return nodes

    def place_orders(self) -> Load:
        brokers = [word for each in self.brokers for word in ("--broker", each)]
        subprocess.run([str(BIN / "shop-place-orders"), "--stock", str(self.stock), *brokers],
                       check=True, capture_output=True)
        return Load([str(BIN / "shop-place-orders"), "--orders", str(SHOP / "orders.jsonl"),
                     "--count", str(ORDERS), "--rate", "300", "--outstanding", "64",
                     "--log", str(self.folder / "client.log"), *brokers])

    def ask_again(self) -> int:
        """Asks for every order once more, under its id. How many were asked."""
        wishes = [json.loads(line) for line in (SHOP / "orders.jsonl").read_text().splitlines()]
        asked = {}
        for line in (self.folder / "client.log").read_text().splitlines():
            noted = json.loads(line)
            if noted["phase"] == "invoke":
                asked[uuid.UUID(noted["call_id"]).bytes] = wishes[noted["line"] - 1]
        with zmq.Context() as context:
            client = Client(context, self.brokers[0])
            for call_id, wish in asked.items():
                client.send("order_saga", "place", sorted_keys(wish), call_id=call_id, ttl=30_000)
            answers = client.collect(list(asked), PATIENCE)
            client.close()
        self.assertEqual(len(asked), len(answers))
        return len(answers)

    def await_quiet(self) -> None:
        quiet = run_checker(self.folder, "--wait-quiet", str(PATIENCE), "--quiet-only")
        self.assertEqual(0, quiet.returncode, quiet.stdout + quiet.stderr)

    def check_books(self) -> dict:
        done = run_checker(self.folder, "--client-log", str(self.folder / "client.log"),
                           "--orders", str(SHOP / "orders.jsonl"), "--stock", str(self.stock), "--json")
        self.assertEqual(0, done.returncode, done.stdout[:6000] + done.stdout[-4000:] + done.stderr)
        return json.loads(done.stdout)

    def test_a_backup_under_load_comes_back_and_the_books_are_good(self) -> None:
        nodes = self.start()
        load = self.place_orders()
        self.assertTrue(load.wait(PATIENCE, ORDERS // 3))
        saved = self.folder / "saved"
        self.troupe("backup", self.topology, saved)
        self.assertTrue(load.wait(PATIENCE) and load.over)
        self.assertEqual("", load.end())
        self.await_quiet()
        self.assertTrue(nodes.stop())

        sums = {each["file"]: each["sha256"]
                for each in json.loads((saved / "manifest.json").read_text())["files"]}
        judge = subprocess.run(["sha256sum", *sums], cwd=saved, capture_output=True, text=True,
                               check=True)
        self.assertEqual(sums, {name: digest for digest, name in map(str.split,
                                                                     judge.stdout.splitlines())})
        told = self.troupe("restore", self.topology, "--from", saved, code=4)
        self.assertIn("nothing was changed", told)
        self.assertRegex(told, r"journal: goes back to position \d+; [1-9]\d* newer events are lost")
        unfinished = {each["owner"]: each["unfinished"]
                      for each in json.loads((saved / "manifest.json").read_text())["files"] if "unfinished" in each}
        self.assertTrue(unfinished)
        for owner, counts in unfinished.items():
            goes_on = (f"{owner}: goes on with {counts['sagas']} sagas, {counts['effects']} effects, {counts['timers']} "
                       f"timers and {counts['postponed']} events to handle again; effects are asked for under their old keys")
            self.assertEqual(any(counts.values()), goes_on in " ".join(told.split()), told)
        told = self.troupe("restore", self.topology, "--from", saved, "--accept")
        self.assertIn("before-restore-", told)
        self.assertIn("belong to one history", told)

        # What the backup does not know to be sent is sent again, on another day than the books say.
        with contextlib.closing(sqlite3.connect(saved / "notifications.db")) as session:
            sent = {name[1:].partition("@")[0] for (name,) in session.execute(
                "SELECT message_id FROM mails WHERE state = 'sent'")}
        for letter in (self.folder / "data" / "mail").iterdir():
            if letter.stem not in sent:
                letter.unlink()

        nodes = self.start()
        self.assertEqual(ORDERS, self.ask_again())
        self.await_quiet()
        status = json.loads(self.troupe("status", self.topology, "--json"))
        self.assertTrue(nodes.stop())
        self.assertEqual([], [each for each in status["troubles"] if each["is"] == "wrong"])
        self.assertEqual(ORDERS, self.check_books()["counts"]["acknowledged"])

    def test_a_backup_that_was_changed_is_refused(self) -> None:
        nodes = self.start()
        saved = self.folder / "saved"
        self.troupe("backup", self.topology, saved)
        self.assertIn("is not empty", self.troupe("backup", self.topology, saved, code=4))
        self.assertIn(self.in_use,
                      self.troupe("restore", self.topology, "--from", saved, code=4))
        self.assertTrue(nodes.stop())
        orders = saved / "orders.db"
        orders.write_bytes(orders.read_bytes()[:-1] + b"x")

        self.assertIn("is not as it was saved",
                      self.troupe("restore", self.topology, "--from", saved, "--accept", code=4))


@unittest.skipUnless(postgres_server.programs(), "PostgreSQL is not installed")
class BackupOfServer(Backup):
    """The same with all databases and the journal on a PostgreSQL server."""
    in_use = "the system runs"

    def setUp(self) -> None:
        super().setUp()
        self.server = postgres_server.PostgresServer()
        self.addCleanup(self.server.close)
        text, count = re.subn(r'store: "sqlite:data/\{capability\}\.db"',
                              f'store: "{self.server.url}"\nevents: {{journal: "{self.server.url}"}}',
                              self.topology.read_text())
        self.assertEqual(1, count)
        self.topology.write_text(text)

    def copy_to(self, data: pathlib.Path) -> None:
        for each in data.glob("*.db"):
            if each.stem != "gateway":
                each.unlink()
        self.server.copy_to_files(data)
        if (data / "troupe_journal.db").exists():
            (data / "troupe_journal.db").rename(data / "journal.db")
        for each in data.glob("*-before-restore-*.db"):
            each.unlink()

    def await_quiet(self) -> None:
        for _ in range(200):
            with tempfile.TemporaryDirectory() as name:
                (pathlib.Path(name) / "data").mkdir()
                self.copy_to(pathlib.Path(name) / "data")
                quiet = run_checker(pathlib.Path(name), "--quiet-only")
                if quiet.returncode == 0:
                    return
        self.fail("it does not come to rest: " + quiet.stdout + quiet.stderr)

    def check_books(self) -> dict:
        self.copy_to(self.folder / "data")
        return super().check_books()


if __name__ == "__main__":
    unittest.main()
