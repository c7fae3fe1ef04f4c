"""The client in plain Python of examples/shop, against the topology of examples/shop."""

import json
import re
import shutil
import subprocess
import sys
import unittest

import harness
from harness import SOURCE, SystemTest

SHOP = SOURCE / "examples" / "shop"


class ShopClient(SystemTest):
    def setUp(self):
        self.shop = self.system()
        text = (SHOP / "shop.yaml").read_text()
        self.shop.file = self.shop.folder / "shop.yaml"
        self.shop.file.write_text(
            re.sub(r"tcp://127\.0\.0\.1:\d+", self.shop.endpoints["b1"], text))
        for name in ("stock.json", "invariants.yaml"):
            shutil.copy(SHOP / name, self.shop.folder)
        self.shop.broker()
        for node in self.shop.nodes:
            self.shop.worker(node)

    def client(self, *words: str) -> subprocess.CompletedProcess:
        return subprocess.run(
            [sys.executable, str(SHOP / "client.py"), *words, "--broker", self.shop.endpoints["b1"]],
            capture_output=True, text=True, timeout=harness.PATIENCE, check=False)

    def test_places_an_order_and_is_told_of_errors(self):
        stock = (SHOP / "stock.json").read_text()
        order = {"customer": "customer-001", "currency": "EUR", "card": "tok_1",
                 "items": [{"sku": "tea-red", "quantity": 2}]}

        loaded = self.client("inventory.load", stock)
        placed = self.client("order_saga.place", json.dumps(order))
        unknown = self.client("inventory.stock", '{"sku": "unicorn"}')

        self.assertEqual(0, loaded.returncode, loaded.stderr)
        self.assertEqual(0, placed.returncode, placed.stderr)
        self.assertGreater(json.loads(loaded.stdout)["added"], 0)
        self.assertEqual(2 * 989, json.loads(placed.stdout)["total_cents"])
        self.assertEqual(1, unknown.returncode)
        self.assertIn("unknown_sku", unknown.stderr)

    def test_asks_again_under_the_same_id(self):
        words = ("notes.add", '{"text": "tea is low"}', "--id", harness.text_of(harness.new_id()))

        first, again = self.client(*words), self.client(*words)
        count = self.client("notes.count")

        self.assertEqual((0, 0), (first.returncode, again.returncode), first.stderr + again.stderr)
        self.assertEqual(words[-1], json.loads(first.stdout)["note_id"])
        self.assertEqual(first.stdout, again.stdout)
        self.assertEqual({"count": 1}, json.loads(count.stdout), count.stderr)

    def test_prints_whatever_binary_comes(self):
        published = self.shop.client().call("troupe.publish", "note.taken", {"text": "tea is low"})

        read = self.client("troupe.events.read", json.dumps(
            {"patterns": ["note.*"], "from": "oldest", "count": 1, "wait_ms": 1000}))

        self.assertTrue(published.ok, published)
        self.assertEqual(0, read.returncode, read.stderr)
        self.assertIn("tea is low".encode().hex(), read.stdout)

    def test_says_what_it_wants(self):
        for words in ((), ("notes.add", "{"), ("notes.add", "{}", "--id", "7")):
            with self.subTest(words):
                done = self.client(*words)
                self.assertEqual(2, done.returncode)
                self.assertIn("usage: client.py", done.stderr)


if __name__ == "__main__":
    unittest.main()
