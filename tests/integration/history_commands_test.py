"""`troupe history` and `troupe rebuild` against the event-sourced orders of examples/shop."""

import json
import re
import shutil
import subprocess
import unittest

from harness import BIN, PATIENCE, SOURCE, SystemTest

SHOP = SOURCE / "examples" / "shop"


class HistoryCommands(SystemTest):
    def setUp(self):
        self.shop = self.system()
        text = (SHOP / "shop.yaml").read_text()
        self.shop.file = self.shop.folder / "shop.yaml"
        self.shop.file.write_text(
            re.sub(r"tcp://127\.0\.0\.1:\d+", self.shop.endpoints["b1"], text))
        shutil.copy(SHOP / "invariants.yaml", self.shop.folder)
        self.shop.broker()
        for node in self.shop.nodes:
            self.shop.worker(node)

    def troupe(self, command: str, *words: str) -> subprocess.CompletedProcess:
        return subprocess.run(
            [str(BIN / "troupe"), command, str(self.shop.file), *words],
            capture_output=True, text=True, timeout=2 * PATIENCE, check=False)

    def test_the_life_of_an_order_is_told_and_its_table_rebuilt(self):
        order = {"customer": "customer-001", "currency": "EUR", "card": "tok_1",
                 "items": [{"sku": "tea-red", "quantity": 2}]}
        loaded = self.troupe("call", "inventory.load", (SHOP / "stock.json").read_text())
        placed = self.troupe("call", "order_saga.place", json.dumps(order))
        self.assertEqual((0, 0), (loaded.returncode, placed.returncode), placed.stderr)
        order_id = json.loads(placed.stdout)["order_id"]

        told = self.troupe("history", "orders", order_id)
        lines = self.troupe("history", "orders", order_id, "--json").stdout.splitlines()
        rebuilt = self.troupe("rebuild", "orders", "--json")

        self.assertRegex(told.stdout, r"\n +1  \d{4}-\S+Z  created    \{\"customer\":")
        self.assertRegex(told.stdout, r"\n +2  \d{4}-\S+Z  confirmed  \{\"amount_cents\":1978,")
        self.assertEqual([(1, "created"), (2, "confirmed")],
                         [(each["version"], each["type"]) for each in map(json.loads, lines)])
        self.assertEqual({"things": 1, "events": 2}, json.loads(rebuilt.stdout))

    def test_a_capability_is_described_as_it_runs(self):
        told = self.troupe("describe", "orders")
        data = json.loads(self.troupe("describe", "orders", "--json").stdout)
        saga = self.troupe("describe", "order_saga")
        unknown = self.troupe("describe", "orderz")

        self.assertEqual(0, told.returncode, told.stderr)
        self.assertTrue(told.stdout.startswith("orders: actor `orders`, on n1, n2\n"), told.stdout)
        self.assertIn("\n    create   create_order -> order_state\n", told.stdout)
        self.assertIn("\n    order.created    order_created\n", told.stdout)
        self.assertIn("\n      amount_cents  int64, optional\n", told.stdout)
        self.assertLessEqual(max(map(len, told.stdout.splitlines())), 80)
        kinds = {each["name"]: each["kind"] for each in data["description"]["type"]["operations"]}
        self.assertEqual(("command", "query"), (kinds["create"], kinds["get"]))
        self.assertEqual(["n1", "n2"], data["nodes"])
        self.assertIn("\n    place  place_order -> order_placed\n", saga.stdout)
        self.assertIn("did you mean `orders`?", unknown.stderr)

    def test_who_has_no_file_is_told_by_the_broker_what_there_is(self):
        done = subprocess.run(
            [str(BIN / "troupe"), "call", self.shop.endpoints["b1"], "troupe.broker.describe"],
            capture_output=True, text=True, timeout=2 * PATIENCE, check=False)

        self.assertEqual(0, done.returncode, done.stderr)
        said = json.loads(done.stdout)
        self.assertEqual(("shop", None), (said["system"], said["next"]))
        mails = next(each for each in said["capabilities"] if each["capability"] == "notifications")
        self.assertEqual(["order.confirmed"], mails["subscribes"])
        saga = next(each for each in said["capabilities"] if each["capability"] == "order_saga")
        self.assertEqual([{"name": "place", "kind": "saga", "request": "place_order", "reply": "order_placed"},
                          {"name": "sagas", "kind": "query", "request": "list_sagas", "reply": "listed_sagas"}],
                         saga["type"]["operations"])

    def test_what_breaks_callers_of_an_earlier_release_is_told(self):
        earlier = self.shop.folder / "earlier.json"
        release = json.loads(self.troupe("check", "--json").stdout)
        earlier.write_text(json.dumps(release))
        same = self.troupe("check", "--against", str(earlier))
        orders = next(each for each in release["capabilities"] if each["name"] == "orders")
        described = orders["described"]
        described["operations"].append({"name": "ship", "kind": "command", "request": None, "reply": None})
        described["publishes"].append({"pattern": "order.shipped", "event": None})
        earlier.write_text(json.dumps(release))

        told = self.troupe("check", "--against", str(earlier))
        data = self.troupe("check", "--against", str(earlier), "--json")
        earlier.write_text("{}")
        wrong = self.troupe("check", "--against", str(earlier))

        self.assertEqual((0, 1, 1, 4), tuple(
            each.returncode for each in (same, told, data, wrong)), same.stdout + wrong.stderr)
        lines = ["orders: the operation `ship` is gone", "orders: `order.shipped` is published no more"]
        self.assertEqual(lines, told.stdout.splitlines())
        self.assertEqual(lines, json.loads(data.stdout)["breaks"])
        self.assertIn("is not what `troupe check FILE --json` says", wrong.stderr)

    def test_what_has_no_history_is_told_in_words(self):
        nothing = self.troupe("history", "orders", "01a206c0-b8fa-7000-8001-65c2ec9e316f")
        other = self.troupe("history", "users", "01a206c0-b8fa-7000-8001-65c2ec9e316f")

        self.assertEqual(3, nothing.returncode)
        self.assertIn("Nothing has happened to 01a206c0", nothing.stderr)
        self.assertEqual(4, other.returncode)
        self.assertIn("next: `users` keeps no history", other.stderr)


if __name__ == "__main__":
    unittest.main()
