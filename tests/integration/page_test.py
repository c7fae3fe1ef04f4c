"""The page at /ui of a gateway, without a browser: files, state, who may see it, and who asks for it."""

import http.server
import json
import os
import threading
import time
import unittest

from gateway_systems import Answer, Gateway, GatewayTest
from harness import PATIENCE, SystemTest, free_port
from secured_systems import ALL, SecuredSystem, troupe

CAPABILITIES = {"echo": "{actor: echo, replicas: 2, store: none}", "faulty": "{supervision: {backoff: 1ms..2ms}}"}
ROUTES = "POST /echo: {call: echo.echo}"
POLICY = "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"


class OldShop(http.server.BaseHTTPRequestHandler):
    """A legacy system that knows users otherwise than the capability does."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        body = b'{"name": "somebody else"}'
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_words):
        pass


class Page(GatewayTest):
    def start_page(self, **more: object) -> Gateway:
        self.shop, gateway = self.served(CAPABILITIES, ROUTES, keys="    ui: loopback\n", **more)
        self.broker = self.shop.broker()
        self.worker = self.shop.worker("n1")
        self.gateway = self.start(self.shop)
        return gateway

    def await_state(self, gateway: Gateway, is_right, within: float = PATIENCE) -> dict:
        until = time.monotonic() + within
        while True:
            answer = gateway.ask("GET", "/ui/state")
            if answer.status == 200 and is_right(answer.json):
                return answer.json
            self.assertLess(time.monotonic(), until, answer)

    def test_the_files_are_in_the_program_and_let_nothing_else_in(self):
        gateway = self.start_page()
        page = gateway.ask("GET", "/ui")
        self.assertEqual((200, "text/html; charset=utf-8"), (page.status, page.fields["Content-Type"]))
        text = page.body.decode()
        for path in ("/ui/page.css", "/ui/page.js", "/ui/icon.svg"):
            self.assertIn(f'"{path}"', text)
        for path in ("/ui", "/ui/page.css", "/ui/page.js", "/ui/dom.js", "/ui/grid.js", "/ui/views.js",
                     "/ui/details.js", "/ui/orders.js", "/ui/icon.svg"):
            with self.subTest(path):
                answer = gateway.ask("GET", path)
                self.assertEqual(200, answer.status)
                self.assertEqual(POLICY, answer.fields["Content-Security-Policy"])
                self.assertEqual("nosniff", answer.fields["X-Content-Type-Options"])
                again = gateway.ask("GET", path, If_None_Match=answer.fields["ETag"])
                self.assertEqual(304, again.status)

    def test_the_state_says_what_status_says(self):
        gateway = self.start_page()
        state = self.await_state(gateway, lambda said: said["verdict"] == "healthy")
        self.assertEqual([], state["troubles"])
        self.assertEqual(["echo", "faulty"], [each["name"] for each in state["capabilities"]])
        self.assertEqual(["live"], [each["presence"] for each in state["places"]["nodes"]])
        self.assertEqual({"echo": [("n1", "ok")], "faulty": [("n1", "ok")]}, {
            name: [(each["node"], each["word"]) for each in places] for name, places in state["places"]["runs"].items()})
        done = troupe("status", self.shop.file, "--json")
        self.assertEqual(set(json.loads(done.stdout)), set(json.loads(done.stdout)) & set(state))
        self.assertEqual("no-store", gateway.ask("GET", "/ui/state").fields["Cache-Control"])

    def test_how_long_calls_take_is_said(self):
        gateway = self.start_page()
        self.await_state(gateway, lambda said: said["verdict"] == "healthy")
        for _ in range(20):
            self.assertEqual(200, gateway.ask("POST", "/echo", {"payload": "a"}).status)
        state = self.await_state(gateway, lambda said: said["capabilities"][0]["p99_us"])
        # From its arrival at the broker to its answer is longer than the handler.
        handler = state["places"]["runs"]["echo"][0]["p99_us"]
        self.assertGreater(handler, 0)
        self.assertGreaterEqual(state["capabilities"][0]["p99_us"], handler)
        self.assertIsNone(state["capabilities"][1]["p99_us"])
        self.assertEqual({"list": [], "differences": []}, state["features"])

    def test_a_killed_node_and_a_forced_breaker_show(self):
        gateway = self.start_page()
        self.await_state(gateway, lambda said: said["verdict"] == "healthy")
        done = troupe("breaker", self.shop.file, "echo", "open", "--why", "<b>a test\u202e</b>")
        self.assertEqual(0, done.returncode, done.stderr)
        state = self.await_state(gateway, lambda said: said["verdict"] == "degraded")
        self.assertIn("forced open", state["troubles"][0]["what"])
        self.assertEqual("<b>a test\u202e</b>", state["troubles"][0]["why"])
        self.assertIn("troupe breaker", state["troubles"][0]["next"])
        self.worker.kill()
        began = time.monotonic()
        self.await_state(gateway, lambda said: said["places"]["nodes"][0]["presence"] == "away")
        print(f"a killed worker is away in the state after {time.monotonic() - began:.2f} s")
        self.broker.kill()
        self.await_state(gateway, lambda said: said["verdict"] == "unreachable")
        self.shop.broker()
        self.shop.worker("n1")
        self.await_state(gateway, lambda said: said["places"]["nodes"][0]["presence"] == "live")

    def test_who_is_not_on_this_machine_is_refused(self):
        gateway = self.start_page()
        self.assert_problem(421, "misdirected", gateway.ask("GET", "/ui", Host="shop.example"))
        for fields in ({"X_Forwarded_For": "10.0.0.1"}, {"Origin": "https://shop.example"}):
            for path in ("/ui", "/ui/state"):
                self.assert_problem(403, "forbidden", gateway.ask("GET", path, **fields))
        self.assert_problem(405, "method_not_allowed", gateway.ask("POST", "/ui/state"))
        self.assert_problem(404, "not_found", gateway.ask("GET", "/ui/other.js"))
        self.assert_problem(400, "invalid", gateway.ask("GET", "/ui/traces/nonsense"))
        self.assert_problem(400, "invalid", gateway.ask("GET", "/ui/sagas/nobody/nonsense"))

    def test_flags_and_differences_of_features_that_move_show(self):
        old = http.server.ThreadingHTTPServer(("127.0.0.1", 0), OldShop)
        old.daemon_threads = True
        self.addCleanup(old.server_close)
        self.addCleanup(old.shutdown)
        threading.Thread(target=old.serve_forever, daemon=True).start()
        strangler = (f'strangler:\n  stock: {{legacy: "http://127.0.0.1:{old.server_port}", '
                     'by: "{header.x-user}", compare: {sample: 1}}')
        self.shop, gateway = self.served(
            {"inventory": "{replicas: 1}"},
            "GET /stock/{sku}: {call: inventory.stock, rejected: {unknown_sku: 404}, strangler: stock}",
            keys="    ui: loopback\n", more=strangler)
        self.shop.broker()
        self.shop.worker("n1")
        self.start(self.shop)
        state = self.await_state(gateway, lambda said: said["verdict"] == "healthy")
        self.assertEqual(("stock", "0%", False), tuple(state["features"]["list"][0][each] for each in ("name", "share", "is_set")))
        self.assertEqual(200, gateway.ask("GET", "/stock/tea", x_user="ann").status)
        done = troupe("flag", "set", self.shop.file, "stock", "25%", "--why", "a quarter <b>")
        self.assertEqual(0, done.returncode, done.stderr)
        state = self.await_state(gateway, lambda said: said["features"]["differences"]
                                 and said["features"]["list"][0]["is_set"])
        feature = state["features"]["list"][0]
        self.assertEqual(("25%", "a quarter <b>"), (feature["share"], feature["why"]))
        self.assertIn("@", feature["who"])
        self.assertEqual((1, 0, 1), tuple(feature["counts"][each] for each in ("legacy", "modern", "different")))
        difference = state["features"]["differences"][0]
        self.assertEqual(("stock", "g1", "GET /stock/tea"), tuple(difference[each] for each in ("feature", "gateway", "request")))
        self.assertTrue(difference["differences"][0]["at"])

    def test_fifty_tabs_are_one_reader(self):
        gateway = self.start_page()
        self.await_state(gateway, lambda said: said["verdict"] == "healthy")
        time_of_broker = self.broker_calls()
        answers: list[Answer] = []
        tabs = [threading.Thread(target=lambda: answers.append(gateway.ask("GET", "/ui/state"))) for _ in range(50)]
        for each in tabs:
            each.start()
        for each in tabs:
            each.join()
        self.assertEqual(50, sum(each.status == 200 for each in answers))
        # All but a few tell of one moment, and the broker was asked as often.
        self.assertLess(len({each.json["at"] for each in answers}), 10)
        self.assertLess(self.broker_calls() - time_of_broker, 500)

    def test_whoever_asks_during_a_reading_gets_none_of_before(self):
        gateway = self.start_page()
        self.await_state(gateway, lambda said: said["verdict"] == "healthy")
        client = self.shop.client()
        client.receive(1.5)  # There is nothing: it waits, and what was read before is old.
        self.worker.freeze()  # A reading takes as long as nodes have to answer.
        self.addCleanup(self.worker.thaw)
        asked_at = time.time() * 1000
        first: list[Answer] = []
        tab = threading.Thread(target=lambda: first.append(gateway.ask("GET", "/ui/state")))
        tab.start()
        client.receive(0.2)
        second = gateway.ask("GET", "/ui/state")
        tab.join()
        for each in (first[0], second):
            self.assertGreaterEqual(each.json["at"], asked_at - 1, "it tells of a time before it was asked")

    def broker_calls(self) -> int:
        return self.shop.status(self.shop.client())["counters"]["calls"]

    def test_nobody_looks_nobody_asks(self):
        gateway = self.start_page()
        before = self.threads()
        self.await_state(gateway, lambda said: said["verdict"] == "healthy")
        self.assertGreater(self.threads(), before)
        # The page's links, one to the broker and one to the nodes, go when nobody looks any more.
        client = self.shop.client()
        until = time.monotonic() + 4 * PATIENCE
        while self.threads() > before:
            self.assertLess(time.monotonic(), until)
            client.receive(0.2)  # There is nothing: it waits.

    def threads(self) -> int:
        return len(os.listdir(f"/proc/{self.gateway.pid}/task"))


class PageOfOperators(SystemTest):
    def test_a_token_of_who_may_shows_it(self):
        port = free_port()
        gateways = (f'gateways:\n  g1:\n    listen: "http://127.0.0.1:{port}"\n    ui: operators\n'
                    f"    routes:\n      {ROUTES}\n")
        system = self.made(gateways)
        made = troupe("keys", "new", system.file)
        self.assertEqual(0, made.returncode, made.stderr)
        self.assertEqual(0, troupe("token", "keys", system.file).returncode)
        system.broker()
        system.worker("n1")
        process = system.run("troupe-gateway", "g1")
        process.wait_for("gateway.started")
        gateway = Gateway(port)
        self.assertEqual(200, gateway.ask("GET", "/ui").status)
        self.assertEqual(401, gateway.ask("GET", "/ui/state").status)
        self.assertEqual(403, gateway.ask("GET", "/ui/state", x_service_token="nonsense").status)
        refused = gateway.ask("GET", "/ui/state", x_service_token=self.token(system, "anna"))
        self.assertEqual(403, refused.status, refused)
        self.assertIn("troupe.broker.status", refused.json["detail"])
        told = process.wait_for("access_refused", who="anna")
        self.assertEqual(("anna.call", "127.0.0.1"), (told["rule"], told["from"]))
        token = self.token(system, "operator")
        until = time.monotonic() + PATIENCE
        while True:
            answer = gateway.ask("GET", "/ui/state", x_service_token=token)
            self.assertEqual(200, answer.status, answer)
            # The gateway itself may ask what the page shows, and nothing else.
            if answer.json["verdict"] == "healthy" and answer.json["events"]:
                break
            self.assertLess(time.monotonic(), until, answer)

    def made(self, gateways: str) -> SecuredSystem:
        allow = f"{{anonymous: {ALL}, operator: {ALL}, anna: {{call: [\"*\"]}}, g1: {{call: [echo.echo]}}}}"
        system = SecuredSystem(
            {"echo": "{actor: echo, replicas: 2, store: none}"}, nodes=("n1",), more=gateways, allow=allow,
            tokens="{issuer: shop, audience: shop}")
        self.addCleanup(system.close)
        return system

    def token(self, system: SecuredSystem, service: str) -> str:
        done = troupe("token", "new", system.file, "--for", service, "--unbound")
        self.assertEqual(0, done.returncode, done.stderr)
        return done.stdout.strip()


if __name__ == "__main__":
    unittest.main()
