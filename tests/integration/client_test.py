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
        shutil.copy(SHOP / "stock.json", self.shop.folder)
        self.shop.broker()
        for node in self.shop.nodes:
            self.shop.worker(node)

    def client(self, target: str, body: str) -> subprocess.CompletedProcess:
        return subprocess.run(
            [sys.executable, str(SHOP / "client.py"), target, body, self.shop.endpoints["b1"]],
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


if __name__ == "__main__":
    unittest.main()
