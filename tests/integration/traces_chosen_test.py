"""Which traces are recorded: by share, by capability, as they failed or were slow; and how they are found again."""

import json
import os
import re
import subprocess
import threading
import time
import unittest
import uuid

from collector import Collector
from gateway_systems import Gateway, GatewayTest
from harness import BIN, PATIENCE, Client, SystemTest, free_port, new_id, text_of
from traces_test import NOTIFIED, ORDER, ROUTES, STOCK


class Unasked(GatewayTest):
    """What fails and what is slow is told although nobody asked for its trace."""

    def untraced(self, **more) -> tuple[Collector, object, object]:
        collector = Collector()
        self.addCleanup(collector.shutdown)
        shop, gateway = self.served(NOTIFIED, ROUTES, more=f'traces: {{sample: 0, otlp: "{collector.url}"}}')
        shop.broker()
        self.start(shop)
        return collector, shop, gateway

    def silent(self) -> tuple[str, dict]:
        trace = os.urandom(16).hex()
        return trace, {"traceparent": f"00-{trace}-00f067aa0ba902b7-00", "tracestate": "v=1"}

    def test_what_nobody_answers_is_told_by_gateway_and_broker(self):
        collector, shop, gateway = self.untraced()
        trace, fields = self.silent()
        answer = gateway.ask("POST", "/orders", ORDER, prefer="wait=1", **fields)  # There is no worker.
        self.assertEqual(504, answer.status, answer)
        spans = {each["name"]: each for each in collector.wait_for({"POST /orders", "call order_saga"}, trace)}
        self.assertEqual(2, len(spans), spans)
        for each in spans.values():
            self.assertTrue(each["failed"], each)
            self.assertEqual(("00f067aa0ba902b7", "v=1", "deadline_exceeded"),
                             (each["parent"], each["state"], each["notes"]["error.type"]), each)
        asked = spans["POST /orders"]["notes"]
        self.assertEqual(("POST", "/orders", "504", "/orders"), tuple(asked[key] for key in (
            "http.request.method", "http.route", "http.response.status_code", "url.path")))
        with self.subTest("questions of pages to nodes that are away are no work that failed"):
            told = shop.client().call("troupe.node.n1", "status", ttl=200)
            self.assertEqual("deadline_exceeded", told.code)
        with self.subTest("without a trace they are told under the id of the call"):
            answer = gateway.ask("POST", "/orders", ORDER, prefer="wait=1")
            self.assertEqual(504, answer.status, answer)
            call = uuid.UUID(json.loads(answer.body)["call_id"]).hex
            self.assertEqual(2, len(collector.wait_for({"POST /orders", "call order_saga"}, call)))
        self.assertEqual(set(), {each["name"] for each in collector.spans() if "troupe.node" in each["name"]})

    def test_a_call_that_waits_long_is_told_by_the_broker_and_the_gateway(self):
        collector, shop, gateway = self.untraced()
        trace, fields = self.silent()
        client = shop.client()
        slow = client.send("inventory", "load", STOCK, ttl=30000, **{**fields, "traceparent": fields["traceparent"] + " v=1"})
        answers = []
        asking = threading.Thread(target=lambda: answers.append(gateway.ask("POST", "/orders", ORDER, **fields)))
        asking.start()
        until = time.monotonic() + PATIENCE
        while sum(each["queued"] for each in client.call("troupe.broker", "status").body["capabilities"]) < 2:
            self.assertLess(time.monotonic(), until)
        # It is over after 1.1 s: so long the others have waited then.
        self.assertEqual("deadline_exceeded", client.call("orders", "get", {"order_id": new_id()}, ttl=1100).code)
        shop.worker("n1")
        self.assertTrue(client.collect([slow], 30)[slow].ok)
        asking.join(PATIENCE)
        self.assertEqual(1, len(answers))
        spans = {each["name"]: each for each in collector.wait_for({"queue inventory", "queue order_saga", "POST /orders"}, trace)}
        for name in ("queue inventory", "queue order_saga", "POST /orders"):
            self.assertGreater(spans[name]["end"] - spans[name]["start"], 1_000_000_000, spans[name])
            self.assertFalse(spans[name]["failed"], spans[name])


    def test_spans_that_no_broker_takes_are_counted(self):
        admin = free_port()
        shop, gateway = self.served({"echo": "{actor: echo, replicas: 2, store: none}"}, "POST /echo: {call: echo.echo}",
                                    keys=f'    admin: "127.0.0.1:{admin}"\n', more="traces: {sample: 1}")
        shop.run("troupe-gateway", "g1").wait_for("gateway.started")  # There is no broker.
        self.assertIn(gateway.ask("POST", "/echo", {"payload": "YQ=="}, prefer="wait=1").status, (503, 504))
        until = time.monotonic() + 2 * PATIENCE
        while not re.search(r"^troupe_gateway_spans_untold_total 1$", Gateway(admin).ask("GET", "/metrics").body.decode(), re.MULTILINE):
            self.assertLess(time.monotonic(), until)


class Chosen(SystemTest):
    """Which traces are recorded, and found again."""

    def recording(self, capabilities: dict[str, str], traces: str, **more: object) -> tuple[Collector, object, Client]:
        collector = Collector()
        self.addCleanup(collector.shutdown)
        system = self.system(capabilities, nodes=("n1",), more=f'traces: {{{traces}, otlp: "{collector.url}"}}', **more)
        system.broker()
        system.worker("n1")
        return collector, system, system.client()

    def test_a_share_of_the_traces_is_whole_and_a_capability_may_have_all(self):
        some = "{actor: echo, replicas: 2, store: none}"
        collector, _, client = self.recording({"some": some, "all": some}, "sample: 0.25, always: [all]")
        asked = {}
        for name, count in (("some", 400), ("all", 40)):
            asked[name] = {client.send(name, "echo", {"payload": "a"}).hex() for _ in range(count)}
            self.assertEqual(count, len(client.collect([bytes.fromhex(each) for each in asked[name]], 30)))
        silent = os.urandom(16).hex()
        self.assertTrue(client.call("all", "echo", {"payload": "a"}, traceparent=f"00-{silent}-00f067aa0ba902b7-00").ok)
        asked["all"].add(silent)
        collector.wait_for({"all.echo"}, silent)

        def recorded(name: str) -> set[str]:
            return {each["trace"] for each in collector.spans() if each["name"] == name}
        until = time.monotonic() + PATIENCE
        while not (asked["all"] == recorded("all.echo") == recorded("queue all") and recorded("some.echo") == recorded("queue some")):
            self.assertLess(time.monotonic(), until, "a trace is recorded at one process and not at the other")
            with collector.news:
                collector.news.wait(0.2)
        self.assertLessEqual(recorded("some.echo"), asked["some"])
        self.assertTrue(55 <= len(recorded("some.echo")) <= 150, len(recorded("some.echo")))  # 100: five times the deviation.

    def test_a_letter_that_a_person_delivers_again_keeps_its_trace(self):
        collector, system, client = self.recording(
            {"seen": "{actor: witness, subscribes: [sight.*]}"}, "sample: 0")
        trace = os.urandom(16).hex()
        parent = f"00-{trace}-00f067aa0ba902b7-01 v=1"
        self.assertTrue(client.call("troupe.publish", "sight.seen", {"n": 1, "act": "reject"}, key="k", traceparent=parent).ok)
        until = time.monotonic() + PATIENCE
        while not (letters := client.call("troupe.events", "dead_letters", {"count": 10}).body["letters"]):
            self.assertLess(time.monotonic(), until)
        first = collector.wait_for({"seen sight.seen"}, trace)
        done = subprocess.run([BIN / "troupe", "dead-letters", "retry", system.file, text_of(letters[0]["id"])],
                              capture_output=True, text=True, timeout=PATIENCE)
        self.assertEqual(0, done.returncode, done.stderr)
        spans = collector.wait_for_more(trace, len(first))
        self.assertEqual({("seen sight.seen", "v=1")}, {(each["name"], each["state"]) for each in spans})
        self.assertEqual(1, len({each["parent"] for each in spans}), spans)
        self.assertEqual(2, len({each["id"] for each in spans}), spans)

    def test_slow_traces_of_a_capability_are_found(self):
        slow = {**NOTIFIED, "payments": NOTIFIED["payments"].replace("latency: 5ms", "latency: 1500ms")}
        _, system, client = self.recording(slow, "sample: 1")
        self.assertTrue(client.call("inventory", "load", STOCK).ok)
        order = new_id()
        self.assertTrue(client.call("order_saga", "place", ORDER, call_id=order, ttl=20000, within=30).ok)

        def listed(*words: str) -> list[dict]:
            said = subprocess.run([BIN / "troupe", "traces", system.file, "--json", *words], capture_output=True, text=True, timeout=PATIENCE)
            self.assertEqual(0, said.returncode, said.stderr)
            return [json.loads(line) for line in said.stdout.splitlines()]
        self.assertEqual([order.hex()], [each["trace"] for each in listed("--slow", "1200ms", "--capability", "payments")])
        self.assertEqual([], listed("--slow", "10m", "--capability", "payments"))
        self.assertEqual([], listed("--slow", "1200ms", "--capability", "echo"))
        everything = {each["trace"] for each in listed()}
        self.assertLess({order.hex()}, everything, "the stock was loaded as well")


if __name__ == "__main__":
    unittest.main()
