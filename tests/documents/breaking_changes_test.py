"""`troupe check --against` names what breaks callers: each row of "What a release may change" of examples/README.md."""

import copy
import json
import os
import pathlib
import subprocess
import tempfile
import unittest
from collections.abc import Callable

TROUPE = os.environ["TROUPE_BIN"] + "/troupe"
SHOP = pathlib.Path(os.environ["TROUPE_SOURCE"]) / "examples" / "shop" / "shop.yaml"


def check(*words: str) -> subprocess.CompletedProcess:
    return subprocess.run([TROUPE, "check", str(SHOP), *words, "--json"], capture_output=True, text=True,
                          timeout=30, check=False)


def fields(orders: dict, message: str) -> list[dict]:
    return next(each for each in orders["types"] if each["name"] == message)["fields"]


def field(orders: dict, message: str, name: str) -> dict:
    return next(each for each in fields(orders, message) if each["name"] == name)


def new_field(name: str, optional: bool) -> dict:
    return {"name": name, "optional": optional,
            "type": {"within": [], "is": "text", "message": None, "words": []}}


class BreakingChanges(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.released = json.loads(check().stdout)

    def broken(self, earlier: Callable[[dict], object]) -> list[str]:
        """What breaks if the earlier release was as `earlier` makes the orders of this one."""
        release = copy.deepcopy(self.released)
        earlier(next(each for each in release["capabilities"] if each["name"] == "orders")["described"])
        with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
            json.dump(release, file)
            file.flush()
            done = check("--against", file.name)
        said = json.loads(done.stdout)
        self.assertEqual((said["ok"], done.returncode), (not said["breaks"], 1 if said["breaks"] else 0))
        return said["breaks"]

    def test_what_only_adds_breaks_nobody(self):
        self.assertEqual([], self.broken(lambda orders: None))
        self.assertEqual([], self.broken(lambda orders: orders["operations"].pop()))
        self.assertEqual([], self.broken(lambda orders: orders["publishes"].pop()))
        self.assertEqual([], self.broken(lambda orders: fields(orders, "order_cancelled").pop()))
        self.assertEqual([], self.broken(lambda orders: fields(orders, "order_state").pop()))

    def test_a_request_that_wants_more_or_takes_less_breaks_callers(self):
        self.assertEqual(["orders: the request of `create` wants the new field `currency`; make it optional"],
                         self.broken(lambda orders: fields(orders, "create_order").remove(
                             field(orders, "create_order", "currency"))))
        self.assertEqual(["orders: the request of `create`: `currency` was optional and is wanted now"],
                         self.broken(lambda orders: field(orders, "create_order", "currency").update(optional=True)))
        self.assertEqual(["orders: the request of `create` has lost the field `coupon`"],
                         self.broken(lambda orders: fields(orders, "create_order").append(new_field("coupon", True))))
        self.assertEqual(["orders: the request of `confirm`: `amount_cents` was uint64 and is int64"],
                         self.broken(lambda orders: field(orders, "confirm_order", "amount_cents")["type"].update(
                             {"is": "uint64"})))

    def test_an_answer_or_event_that_holds_more_or_lacks_something_breaks_who_reads(self):
        def narrower(orders: dict) -> None:
            field(orders, "order_confirmed", "amount_cents")["type"]["is"] = "int32"

        def always_there(orders: dict) -> None:
            field(orders, "order", "amount_cents")["optional"] = False

        self.assertEqual(["orders: the event `order.confirmed`: `amount_cents` was int32 and is int64"],
                         self.broken(narrower))
        self.assertIn("orders: the reply of `get`: `amount_cents` was always there and may be absent now",
                      self.broken(always_there))
        self.assertEqual(["orders: the event `order.cancelled` has lost the field `coupon`"],
                         self.broken(lambda orders: fields(orders, "order_cancelled").append(
                             new_field("coupon", False))))

    def test_what_is_gone_or_is_no_query_any_more_breaks_who_uses_it(self):
        def had_more(orders: dict) -> None:
            orders["operations"].append({"name": "ship", "kind": "command", "request": None, "reply": None})
            orders["publishes"].append({"pattern": "order.shipped", "event": None})

        def had_a_query(orders: dict) -> None:
            next(each for each in orders["operations"] if each["name"] == "create")["kind"] = "query"

        self.assertEqual(["orders: the operation `ship` is gone", "orders: `order.shipped` is published no more"],
                         self.broken(had_more))
        self.assertEqual(
            ["orders: `create` was a query and is a command: callers repeat queries as they like"],
            self.broken(had_a_query))


if __name__ == "__main__":
    unittest.main()
