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
        return self.broken_since(lambda release: earlier(
            next(each for each in release["capabilities"] if each["name"] == "orders")["described"]))

    def broken_since(self, earlier: Callable[[dict], object]) -> list[str]:
        """What breaks if the earlier release was as `earlier` makes this one."""
        release = copy.deepcopy(self.released)
        earlier(release)
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

    def broken_routes(self, earlier: Callable[[dict], object]) -> list[str]:
        """What breaks if the earlier gateway was as `earlier` makes this one."""
        return self.broken_since(lambda release: earlier(release["gateways"][0]))

    def route(self, gateway: dict, path: str, method: str = "GET") -> dict:
        return next(each for each in gateway["routes"] if (each["method"], each["path"]) == (method, path))

    def test_a_route_that_is_gone_or_wants_more_breaks_who_asks_it(self):
        def had_another(gateway: dict) -> None:
            gateway["routes"].append({"method": "GET", "path": "/api/coupons/{code}", "calls": "users.get"})

        self.assertEqual(["gateway g1: the route `GET /api/coupons/{code}` is gone"],
                         self.broken_routes(had_another))
        self.assertEqual(["gateway g9: it is gone"],
                         self.broken_since(lambda release: release["gateways"].append({"name": "g9", "routes": []})))
        self.assertEqual(["gateway g1: `POST /api/orders` wants an Idempotency-Key now"],
                         self.broken_routes(lambda gateway: self.route(gateway, "/api/orders", "POST").update(
                             wants_key=False)))
        # Whoever asks does not know the names of variables; a new route breaks nobody.
        self.assertEqual([], self.broken_routes(lambda gateway: self.route(gateway, "/api/users/{user_id}").update(
            path="/api/users/{id}")))
        self.assertEqual([], self.broken_routes(lambda gateway: gateway["routes"].pop()))

    def test_a_route_that_is_answered_otherwise_breaks_who_asks_it(self):
        user = "/api/users/{user_id}"
        self.assertEqual([f"gateway g1: `GET {user}` was answered with 202 and is with 200"],
                         self.broken_routes(lambda gateway: self.route(gateway, user).update(status=202)))
        self.assertEqual(
            [f"gateway g1: `GET {user}` was answered with 422 where it is refused for `unknown_user`, and is with 404"],
            self.broken_routes(lambda gateway: self.route(gateway, user).update(rejected={})))
        other = self.broken_routes(lambda gateway: self.route(gateway, user).update(calls="orders.get"))
        self.assertIn(f"gateway g1: the request of `GET {user}` has lost the field `order_id`", other)
        self.assertIn(f"gateway g1: the reply of `GET {user}` has lost the field `state`", other)
        # A release that did not tell all of it yet.
        self.assertEqual([], self.broken_routes(lambda gateway: gateway.update(
            routes=[{key: each[key] for key in ("method", "path", "calls") if key in each}
                    for each in gateway["routes"] if "calls" in each])))


if __name__ == "__main__":
    unittest.main()
