"""One request is one connected trace, and whatever was answered has one verdict."""

import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import time
import unittest

from collector import Collector
from gateway_systems import GatewayTest
from harness import BIN, PATIENCE, Client, SystemTest, new_id, text_of
from systems import SHOP

NOTIFIED = {**SHOP, "notifications": "{replicas: 1, subscribes: [order.confirmed], config: {spool: data/mail}}"}
ROUTES = 'POST /orders: {call: order_saga.place, status: 201, deadline: 10s}\n'
STOCK = {"items": [{"sku": "tea-red", "price_cents": 500, "currency": "EUR", "quantity": 100}]}
ORDER = {"customer": "Ann", "items": [{"sku": "tea-red", "quantity": 1}], "currency": "EUR", "card": "tok_ann"}


class OneTree(GatewayTest):
    def draw(self, shop, trace: str) -> subprocess.CompletedProcess:
        return subprocess.run([BIN / "troupe", "trace", shop.file, trace], capture_output=True, text=True,
                              timeout=PATIENCE)

    def test_an_order_is_one_tree_from_the_request_to_the_mail(self):
        collector = Collector()
        self.addCleanup(collector.shutdown)
        shop, gateway = self.served(
            NOTIFIED, ROUTES, more=f'traces: {{sample: 1, otlp: "{collector.url}"}}')
        shop.broker()
        shop.worker("n1")
        self.start(shop)
        client = shop.client()
        self.assertTrue(client.call("inventory", "load", STOCK).ok)
        trace = os.urandom(16).hex()
        answer = gateway.ask("POST", "/orders", ORDER, traceparent=f"00-{trace}-00f067aa0ba902b7-01")
        self.assertEqual(201, answer.status, answer)
        wanted = {"POST /orders", "queue order_saga", "order_saga.place", "saga order_saga.place",
                  "inventory.reserve", "payments.charge", "payments effect charge_card",
                  "payments settles an effect", "publish order.confirmed", "notifications order.confirmed"}
        spans = collector.wait_for(wanted, trace)
        ids = {each["id"] for each in spans}
        self.assertEqual(len(ids), len(spans), "a span was told twice")
        outside = [each for each in spans if each["parent"] not in ids]
        self.assertEqual(["POST /orders"], [each["name"] for each in outside], outside)
        self.assertEqual("00f067aa0ba902b7", outside[0]["parent"])
        kinds = {each["name"]: each["kind"] for each in spans}
        self.assertEqual((2, 1, 2, 3, 4, 5), (
            kinds["POST /orders"], kinds["queue order_saga"], kinds["order_saga.place"], kinds["payments effect charge_card"],
            kinds["publish order.confirmed"], kinds["notifications order.confirmed"]))
        by_name = {each["name"]: each for each in spans}
        self.assertEqual(by_name["publish order.confirmed"]["id"], by_name["notifications order.confirmed"]["parent"])
        version, told, span, flags = answer.fields["Traceresponse"].split("-")
        self.assertEqual(("00", trace, by_name["POST /orders"]["id"], "01"), (version, told, span, flags))
        for each in spans:
            self.assertLessEqual(each["start"], each["end"], each)
        with self.subTest("drawn in a terminal"):
            # The gateway leaves its span with the broker within a second.
            until = time.monotonic() + PATIENCE
            drawn = self.draw(shop, trace)
            while "POST /orders" not in drawn.stdout:
                self.assertLess(time.monotonic(), until, drawn.stdout)
                drawn = self.draw(shop, trace)
            self.assertEqual(0, drawn.returncode, drawn.stderr)
            for name in wanted:
                self.assertIn(name, drawn.stdout)
            self.assertLessEqual(max(map(len, drawn.stdout.splitlines())), 80, drawn.stdout)
            listed = subprocess.run([BIN / "troupe", "traces", shop.file, "--capability", "payments"],
                                    capture_output=True, text=True, timeout=PATIENCE)
            self.assertIn(trace, listed.stdout)

    def traced(self, capabilities: dict[str, str]) -> tuple[Collector, Client]:
        collector = Collector()
        self.addCleanup(collector.shutdown)
        system = self.system(capabilities, nodes=("n1",), more=f'traces: {{sample: 1, otlp: "{collector.url}"}}')
        system.broker()
        system.worker("n1")
        return collector, system.client()

    def spans_of(self, collector: Collector, trace: bytes, *names: str) -> tuple[list[dict], list[tuple[str, str]]]:
        """The spans, and of those that none of them is above, the name and the number of what is."""
        spans = collector.wait_for(set(names), trace.hex())
        ids = {each["id"] for each in spans}
        self.assertEqual(len(ids), len(spans), f"two spans have one number: {spans}")
        self.assertEqual([], [each for each in spans if each["parent"] == each["id"]])
        return spans, [(each["name"], each["parent"]) for each in spans if each["parent"] not in ids]

    def test_an_order_that_begins_at_a_client_is_one_tree_too(self):
        collector, client = self.traced(NOTIFIED)
        self.assertTrue(client.call("inventory", "load", STOCK).ok)
        order = new_id()  # Of the call, and of the saga that it begins.
        self.assertTrue(client.call("order_saga", "place", ORDER, call_id=order, ttl=15000).ok)
        _, roots = self.spans_of(
            collector, order, "queue order_saga", "order_saga.place", "saga order_saga.place", "payments effect charge_card",
            "publish order.confirmed", "notifications order.confirmed")
        self.assertEqual([("order_saga.place", "")], roots)

    def test_an_event_of_a_client_has_a_span_for_each_try_of_each_subscriber(self):
        collector, client = self.traced({name: "{actor: witness, subscribes: [sight.*]}" for name in ("seen", "heard")})
        event = new_id()
        sight = {"n": 1, "act": "fail", "times": 1}
        self.assertTrue(client.call("troupe.publish", "sight.seen", sight, key="k", call_id=event).ok)
        until = time.monotonic() + PATIENCE
        spans: list[dict] = []
        while len(spans) < 4:  # Two tries each.
            self.assertLess(time.monotonic(), until, spans)
            spans, roots = self.spans_of(collector, event, "seen sight.seen", "heard sight.seen")
        self.assertEqual({""}, {parent for _, parent in roots})

    def test_an_order_that_is_undone_is_one_tree_with_its_undoing(self):
        collector, client = self.traced(NOTIFIED)
        dear = {"items": [{**STOCK["items"][0], "price_cents": 60_000}]}  # Two of them, and the card is declined.
        self.assertTrue(client.call("inventory", "load", dear).ok)
        order = new_id()
        request = {**ORDER, "items": [{"sku": "tea-red", "quantity": 2}]}
        refused = client.call("order_saga", "place", request, call_id=order, ttl=15000)
        self.assertEqual("payment_declined", refused.error["details"]["reason"], refused)
        undoing = ("inventory.release", "orders.cancel")
        spans, roots = self.spans_of(
            collector, order, "order_saga.place", "saga order_saga.place", "inventory.reserve", "payments.charge", *undoing)
        self.assertEqual([("order_saga.place", "")], roots)
        by_name, by_id = ({each[key]: each for each in spans} for key in ("name", "id"))
        saga = by_name["saga order_saga.place"]
        self.assertEqual("compensated", saga["notes"]["troupe.saga.end"])
        for name in undoing:
            above = by_name[name]
            while above["parent"] and above is not saga:
                above = by_id[above["parent"]]
            self.assertIs(saga, above, f"{name} is not below its saga: {spans}")
            self.assertLess(by_name["payments.charge"]["start"], by_name[name]["start"])


class Parts(SystemTest):
    def test_a_part_of_a_trace_is_told_as_a_part(self):
        system = self.system(more="traces: {sample: 1}")
        system.broker()
        system.worker()
        client = system.client()
        trace = os.urandom(16).hex()
        for _ in range(11):
            ids = [client.send("echo", "echo", {"payload": "a"}, traceparent=f"00-{trace}-00f067aa0ba902b7-01") for _ in range(100)]
            self.assertEqual(100, len(client.collect(ids)))
        drawn = subprocess.run([BIN / "troupe", "trace", system.file, trace], capture_output=True, text=True, timeout=PATIENCE)
        self.assertRegex(drawn.stderr, r"a part: .*\bn1\b.* may have had more spans of it; the oldest are left out")


class Lives(SystemTest):
    def why(self, system, asked: str, file: object = None) -> dict:
        said = subprocess.run([BIN / "troupe", "why", file or system.file, asked, "--json"], capture_output=True, text=True,
                              timeout=PATIENCE)
        self.assertIn(said.returncode, (0, 3), said.stderr)
        return json.loads(said.stdout)

    def test_whatever_was_answered_has_one_verdict_after_a_kill(self):
        system = self.system(NOTIFIED, nodes=("n1",))
        broker = system.broker()
        worker = system.worker("n1")
        client = system.client()
        self.assertTrue(client.call("inventory", "load", STOCK).ok)
        sent = {new_id(): {**ORDER, "card": "tok_declined" if n % 5 == 0 else "tok_ann"} for n in range(20)}
        for call_id, body in sent.items():
            client.send("order_saga", "place", body, call_id=call_id, ttl=15000)
        client.receive()
        worker.kill()
        worker = system.worker("n1")
        answers = client.collect(list(sent), 30)
        self.assertEqual(len(sent), len(answers))
        with self.subTest("while it runs"):
            for call_id, reply in answers.items():
                told = self.why(system, text_of(call_id))
                self.assertEqual("done", told["verdict"], told)
                self.assertIn("answered" if reply.ok else "refused", told["why"])
        with self.subTest("a command of a saga, an event, and what is not there"):
            (handled,) = system.rows("inventory", "SELECT id FROM inbox WHERE operation = 'reserve' LIMIT 1")
            self.assertEqual("done", self.why(system, text_of(handled[0]))["verdict"])
            self.assertEqual("not known", self.why(system, text_of(new_id()))["verdict"])
        with self.subTest("from another machine, by asking the nodes"), tempfile.TemporaryDirectory() as elsewhere:
            shutil.copy(system.file, elsewhere)
            file = pathlib.Path(elsewhere) / system.file.name
            for call_id in [*sent][:4]:
                told, asked = (self.why(system, text_of(call_id), each) for each in (None, file))
                self.assertEqual((told["verdict"], told["why"]), (asked["verdict"], asked["why"]))
                for words in ("saga place: started", "inventory      reserve", "payments       charge", "event order."):
                    self.assertIn(words, "\n".join(asked["life"]))
                self.assertNotIn("not on this machine", "\n".join(asked["not_known"]))
            worker.kill()
            broker.kill()
            silent = self.why(system, text_of(next(iter(sent))), file)
            self.assertEqual("not known", silent["verdict"])
            self.assertIn("inventory: its database is not on this machine", "\n".join(silent["not_known"]))
        with self.subTest("on copies"):
            copies = system.folder / "copies"
            shutil.copytree(system.data, copies)
            said = subprocess.run(
                [BIN / "troupe", "why", system.file, text_of(next(iter(sent))), "--data", copies],
                capture_output=True, text=True, timeout=PATIENCE)
            self.assertIn("saga place: started", said.stdout, said.stderr)
            self.assertIn("not known:", said.stdout)

    def test_what_came_of_an_event_that_was_refused_or_taken_back_is_told(self):
        system = self.system({"witness": "{actor: witness, subscribes: [sight.*]}"}, nodes=("n1",))
        broker, worker = system.broker(), system.worker("n1")
        client = system.client()

        def troupe(*words: str) -> subprocess.CompletedProcess:
            return subprocess.run([BIN / "troupe", *words], capture_output=True, text=True, timeout=PATIENCE)

        elsewhere = pathlib.Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, elsewhere)
        shutil.copy(system.file, elsewhere)
        file = elsewhere / system.file.name
        refused = new_id()
        self.assertTrue(client.call("troupe.publish", "sight.seen", {"n": 1, "act": "reject"}, key="k", call_id=refused).ok)
        until = time.monotonic() + PATIENCE
        while not (letters := client.call("troupe.events", "dead_letters", {"count": 10}).body["letters"]):
            self.assertLess(time.monotonic(), until)
        self.assertEqual("waits for a person", self.why(system, text_of(refused))["verdict"])
        with self.subTest("delivered again, to nobody who is there"):
            worker.kill()
            self.assertTrue(client.call("troupe.events", "retry_dead_letter", {"id": letters[0]["id"]}).ok)
            told = self.why(system, text_of(refused))
            self.assertEqual("under way", told["verdict"], told)
            self.assertIn("delivered to witness again at position 2", "\n".join(told["life"]))
        with self.subTest("scheduled, and cancelled by a person"):
            later = json.loads(troupe("publish", str(system.file), "sight.seen", '{"n": 2}', "--after", "1h", "--json").stdout)["id"]
            for where in (None, file):
                self.assertEqual("under way", self.why(system, later, where)["verdict"])
            self.assertEqual(0, troupe("scheduled", "cancel", str(system.file), later, "--reason", "sold out").returncode)
            for where in (None, file):
                told = self.why(system, later, where)
                self.assertEqual("done", told["verdict"], told)
                self.assertIn("sold out", told["why"])
        with self.subTest("whether there is such a key is not known without the journal"):
            self.assertIn("has no event with the key `other`", troupe("why", str(file), "other").stderr)
            broker.kill()
            unknown = troupe("why", str(file), "k")
            self.assertNotEqual(3, unknown.returncode)
            self.assertNotIn("no event", unknown.stderr)


if __name__ == "__main__":
    unittest.main()
