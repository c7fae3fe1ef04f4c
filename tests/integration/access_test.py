"""Rights: whoever is logged in tries what no rule allows, and good clients notice nothing."""

import contextlib
import json
import os
import unittest

import msgpack

from harness import SystemTest, new_id
from secured_systems import ALL, SecuredSystem, troupe

CAPABILITIES = {
    "echo": "{nodes: [n1], store: none}",
    "witness": '{nodes: [n2], subscribes: ["order.*"]}',
}
ALLOW = ('{witness: {publish: ["*"], subscribe: [order.*]}, '
         'shop: {call: [echo.echo], read: [order.*]}, importer: {publish: [stock.*]}, '
         f"operator: {ALL}}}")


class Rights(SystemTest):
    """One system serves all; its rules are those above."""

    def setUp(self):
        self.system = SecuredSystem(CAPABILITIES, is_open=False, allow=ALLOW)
        self.addCleanup(self.system.close)
        for name in ("shop", "importer"):
            made = troupe("keys", "new", self.system.file, "--for", name)
            self.assertEqual(0, made.returncode, made.stderr)
        self.broker = self.system.broker()
        self.system.worker("n1")
        self.system.worker("n2")

    def read(self, client, *patterns):
        return client.call("troupe.events", "read",
                           {"patterns": list(patterns), "count": 10, "wait_ms": 0, "from": "oldest"})

    def test_what_no_rule_allows_is_refused_before_anything_happens(self):
        shop = self.system.keyed("shop")
        self.assertTrue(shop.call("echo", "echo", {"payload": "x"}).ok)
        for to, op in (("echo", "say"), ("witness", "count"), ("nobody_here", "echo"),
                       ("troupe.broker", "status"), ("troupe.broker", "describe"),
                       ("troupe.events", "topics"), ("troupe.events", "dead_letters"),
                       ("troupe.events", "drop_dead_letter"), ("troupe.node.n1", "status"),
                       ("troupe.node.n1", "force_breaker"), ("troupe.publish", "order.paid"),
                       ("troupe.publish", "troupe.flags")):
            with self.subTest(to=to, op=op):
                reply = shop.call(to, op, {"payload": "x"})
                self.assert_code("forbidden", reply)
                self.assertEqual("none", reply.error["effect"])
                self.assertIn("`shop`", reply.error["message"])
        self.assertTrue(shop.call("troupe.broker", "ping").ok)
        operator = self.system.keyed("operator")
        counters = self.system.status(operator)["counters"]
        self.assertEqual(12, counters["forbidden"])
        self.assertEqual(0, counters["conflicts"])
        self.assertEqual([], self.read(operator, "*").body["events"])

    # Probe P8.
    def test_readers_and_publishers_get_the_topics_of_their_rules(self):
        shop, importer = self.system.keyed("shop"), self.system.keyed("importer")
        self.assertTrue(importer.call("troupe.publish", "stock.low", {"n": 1}).ok)
        self.assert_code("forbidden", importer.call("troupe.publish", "order.paid", {"n": 1}))
        self.assert_code("forbidden", importer.call(
            "troupe.events", "schedule", {"topic": "order.paid", "key": "", "body": b"\x80", "after": 60_000}))
        self.assertTrue(self.read(shop, "order.*").ok)
        self.assertTrue(self.read(shop, "order.paid", "order.line.*").ok)
        for wanted in (("*",), ("stock.*",), ("order.paid", "stock.low"), ("order",)):
            with self.subTest(wanted=wanted):
                self.assert_code("forbidden", self.read(shop, *wanted))
        for wanted in (("#",), ("",), ("order.\0",), ("ord*",)):
            with self.subTest(wanted=wanted):
                self.assertIn(self.read(shop, *wanted).code, ("forbidden", "invalid"))

    def test_an_event_carries_its_publishers_name(self):
        importer, operator = self.system.keyed("importer"), self.system.keyed("operator")
        self.assertTrue(importer.call("troupe.publish", "stock.low", {"n": 1}, source="witness").ok)
        self.assertTrue(importer.call("troupe.events", "schedule", {
            "topic": "stock.low", "key": "", "body": b"\x80", "after": 1}, source="witness").ok)
        self.assertTrue(operator.call("troupe.publish", "stock.low", {"n": 1}).ok)
        read = operator.call("troupe.events", "read", {
            "patterns": ["stock.*"], "count": 10, "wait_ms": 0, "from": "oldest"})
        events = read.body["events"]
        while len(events) < 3:
            read = operator.call("troupe.events", "read", {
                "patterns": ["stock.*"], "count": 10, "wait_ms": 1_000, "after": read.body["next"]})
            events += read.body["events"]
        self.assertEqual(["importer", "importer", "operator"], sorted(each["source"] for each in events))

    # Probe P14: what others asked, and what others keep.
    def test_a_peer_answers_only_what_it_was_asked(self):
        shop = self.system.keyed("shop")
        header = {"v": 1, "kind": "hello", "id": new_id()}
        shop.send_raw(msgpack.packb(header), msgpack.packb(
            {"role": "client", "node": "shop", "incarnation": new_id(), "plan": 0, "batch": False,
             "pid": 1, "serves": [], "in_flight": []}))
        self.assertIsNone(shop.receive().error)
        with self.good_shop():
            for _ in range(20):
                shop.send_raw(msgpack.packb(
                    {"v": 1, "kind": "reply", "id": new_id(), "status": "ok"}), b"\x80")
                shop.send_raw(msgpack.packb(
                    {"v": 1, "kind": "relay", "id": new_id(), "to": "witness", "op": "order.paid",
                     "seq": 1}), b"\x80")
        operator = self.system.keyed("operator")
        self.assertEqual([], self.read(operator, "*").body["events"])

    # Probe P13, for the log: no value makes a line of its own, and no flood fills it.
    def test_refusals_are_told_once_and_cannot_forge_a_line(self):
        shop = self.system.keyed("shop")
        forged = 'x"}\n{"event":"access_refused","who":"operator'
        self.assert_code("forbidden", shop.call("echo", forged, {"payload": "x"}))
        told = self.broker.wait_for("access_refused")
        self.assertEqual(("shop", "call", f"echo.{forged}", "shop.call", "1"),
                         tuple(told[key] for key in ("who", "act", "what", "rule", "refused")))
        ids = [shop.send("echo", "say", {"payload": "x"}) for _ in range(500)]
        shop.collect(ids)
        self.assertEqual([], self.broker.find("access_refused", who="operator"))
        self.assertLess(len(self.broker.find("access_refused")), 50)

    def test_a_hostile_client_changes_nothing_for_good_ones(self):
        shop = self.system.keyed("importer")
        with self.good_shop():
            for _ in range(20):
                ids = [shop.send("echo", "echo", {"payload": "x"}) for _ in range(100)]
                answers = shop.collect(ids)
                self.assertEqual({"forbidden"}, {each.code for each in answers.values()})

    @contextlib.contextmanager
    def good_shop(self):
        """A good client whose calls must all succeed before and after."""
        good = self.system.keyed("shop")
        yield
        for _ in range(20):
            self.assertTrue(good.call("echo", "echo", {"payload": "x"}).ok)

    def test_the_command_says_what_is_missing(self):
        body = json.dumps({"payload": "x"})
        as_shop = {**os.environ, "TROUPE_AS": "shop"}
        self.assertEqual(0, troupe("call", self.system.file, "echo.echo", body, env=as_shop).returncode)
        said = troupe("call", self.system.file, "echo.say", body, env=as_shop)
        self.assertNotEqual(0, said.returncode)
        self.assertIn("add `echo.say` to `call` of `shop`", said.stderr)
        said = troupe("check", self.system.file, "--rights")
        self.assertEqual(0, said.returncode, said.stderr)
        self.assertIn("  echo.echo: shop, operator\n", said.stdout)
        self.assertIn("  echo.say: operator\n", said.stdout)

    def test_the_matrix_is_told_to_programs(self):
        said = json.loads(troupe("check", self.system.file, "--rights", "--json").stdout)
        rights = said["rights"]
        self.assertTrue(rights["checked"])
        parties = {each["name"]: each for each in rights["parties"]}
        self.assertEqual({"echo", "witness", "shop", "importer", "operator"}, set(parties))
        self.assertEqual({"name": "shop", "is": "client", "nodes": [], "call": ["echo.echo"], "publish": [],
                          "subscribe": [], "read": ["order.*"]}, parties["shop"])
        self.assertEqual(("capability", ["n2"]), (parties["witness"]["is"], parties["witness"]["nodes"]))
        callers = {f"{each['capability']}.{each['operation']}": each["callers"]
                   for each in rights["operations"]}
        self.assertEqual(["shop", "operator"], callers["echo.echo"])
        self.assertEqual(["operator"], callers["echo.say"])
        self.assertNotIn("rights", json.loads(troupe("check", self.system.file, "--json").stdout))

    def test_keys_and_names_that_do_not_fit_are_found(self):
        def keys() -> dict:
            return json.loads(troupe("check", self.system.file, "--json").stdout)["keys"]

        self.assertEqual(([], []), (keys()["unnamed"], keys()["missing"]))
        self.assertNotIn("\nKeys\n", troupe("check", self.system.file).stdout)
        self.assertEqual(0, troupe("keys", "new", self.system.file, "--for", "stranger").returncode)
        for name in ("shop", "n1"):
            (self.system.keys / f"{name}.pub").unlink()
        self.assertEqual((["stranger"], ["n1", "shop"]), (keys()["unnamed"], keys()["missing"]))
        said = troupe("check", self.system.file)
        self.assertEqual(0, said.returncode)
        self.assertIn("  stranger has a key, and no node and no rule has this name", said.stdout)
        self.assertIn("--for shop` makes one", said.stdout)


class NoRules(SystemTest):
    def test_a_topology_with_keys_and_no_rules_lets_nobody_do_anything(self):
        system = SecuredSystem({"echo": "{store: none}"}, allow="{}")
        self.addCleanup(system.close)
        system.broker()
        system.worker("n1")
        self.assert_code("unauthenticated", system.client().call("echo", "echo", {"payload": "x"}))
        reply = system.keyed("operator").call("echo", "echo", {"payload": "x"})
        self.assert_code("forbidden", reply)
        self.assertIn("add `operator: {call: [echo.echo]}`", reply.error["message"])


if __name__ == "__main__":
    unittest.main()
