"""Orders at the page of a gateway, over HTTP without a browser: who may, with a reason, from no other site, and once."""

import json
import subprocess
import time
import unittest

from gateway_systems import Answer, Gateway, GatewayTest
from harness import BIN, PATIENCE, System, free_port, new_id, text_of
from secured_systems import ALL, SecuredSystem, troupe
from systems import SHOP

WITNESS = "{actor: witness, subscribes: [sight.*], retry: {attempts: 1, backoff: 10ms..20ms}}"
ROUTES = "POST /echo: {call: echo.echo}"
CAPABILITIES = {"echo": "{actor: echo, replicas: 2, store: none}", "witness": WITNESS}


class Ordering(GatewayTest):
    def order(self, gateway: Gateway, path: str, why: object = "a test", **fields: str) -> Answer:
        return gateway.ask("POST", f"/ui/{path}", {"why": why}, **fields)

    def await_said(self, say) -> object:
        until = time.monotonic() + PATIENCE
        while not (said := say()):
            self.assertLess(time.monotonic(), until, "it is still not said")
        return said

    def letters(self, gateway: Gateway) -> list[dict]:
        return gateway.ask("GET", "/ui/state").json["letters"]

    def reject(self, system: System, key: str) -> None:
        done = subprocess.run(
            [str(BIN / "troupe"), "publish", str(system.file), "sight.seen", '{"n": 0, "act": "reject"}', "--key", key],
            capture_output=True, text=True, timeout=PATIENCE, check=False)
        self.assertEqual(0, done.returncode, done.stderr)


class OnLoopback(Ordering):
    def start_page(self, capabilities: dict[str, str] = CAPABILITIES, **more: object) -> Gateway:
        self.shop, gateway = self.served(capabilities, ROUTES, keys="    ui: loopback\n", **more)
        self.broker = self.shop.broker()
        self.worker = self.shop.worker("n1")
        self.gateway = self.start(self.shop)
        return gateway

    def test_a_breaker_is_forced_and_given_back_as_by_the_command(self):
        gateway = self.start_page()
        done = self.order(gateway, "breakers/echo/open", "the provider moves")
        self.assertEqual(200, done.status, done)
        self.assertIn("n1: forced open", done.json["done"])
        told = self.worker.wait_for("breaker.forced", to="forced_open")
        self.assertEqual(("page of g1", "the provider moves"), (told["who"], told["why"]))
        given = self.gateway.wait_for("page.order_given")
        self.assertEqual(("page of g1", "127.0.0.1", "open", "breaker of echo", "the provider moves"),
                         tuple(given[each] for each in ("who", "from", "verb", "about", "why")))
        audited = self.gateway.wait_for("page.ordered")
        self.assertEqual(("page of g1", "127.0.0.1", "open", "breaker of echo", "the provider moves", "n1: forced open"),
                         tuple(audited[each] for each in ("who", "from", "verb", "about", "why", "outcome")))
        said = json.loads(troupe("breaker", self.shop.file, "echo", "--json").stdout.splitlines()[0])
        self.assertIn("the provider moves", json.dumps(said))
        self.assertEqual(503, gateway.ask("POST", "/echo", {"payload": "a"}).status)
        only = gateway.ask("POST", "/ui/breakers/echo/auto", {"why": "moved", "node": "n1"})
        self.assertEqual(200, only.status, only)

    def test_a_letter_is_delivered_again_once_or_dropped_once(self):
        gateway = self.start_page()
        for key in ("a", "b"):
            self.reject(self.shop, key)
        first, second = self.await_said(lambda: len(found := self.letters(gateway)) == 2 and found)
        done = self.order(gateway, f"letters/{first['id']}/drop")
        self.assertEqual((200, "it is forgotten"), (done.status, done.json["done"]))
        # Somebody else has done it meanwhile: the order does not fit any more, and says so.
        gone = self.assert_problem(409, "rejected", self.order(gateway, f"letters/{first['id']}/drop"))
        self.assertIn("no dead letter any more", gone["detail"])
        self.assertEqual(0, troupe("dead-letters", "drop", self.shop.file, second["id"]).returncode)
        self.assert_problem(409, "rejected", self.order(gateway, f"letters/{second['id']}/retry"))
        self.reject(self.shop, "c")
        third = self.await_said(lambda: [each for each in self.letters(gateway) if each["key"] == "c"])[0]
        again = self.order(gateway, f"letters/{third['id']}/retry")
        self.assertEqual((200, "it is delivered again"), (again.status, again.json["done"]))
        for outcome in ("rejected", "it is forgotten", "it is delivered again"):
            self.gateway.wait_for("page.ordered", outcome=outcome)

    def test_a_saga_is_resumed_with_who_and_why_in_its_journal(self):
        shop = {name: what.replace("5ms", "1s") for name, what in SHOP.items()}
        gateway = self.start_page(shop)
        client = self.shop.client()
        client.call("inventory", "load", {"items": [{"sku": "tea", "price_cents": 500, "currency": "EUR", "quantity": 9}]})
        saga = client.send("order_saga", "place", {
            "customer": "c", "currency": "EUR", "card": "tok", "items": [{"sku": "tea", "quantity": 2}]}, ttl=30000)
        self.await_said(lambda: self.shop.rows("payments", "SELECT 1 FROM payments"))
        self.assertTrue(client.call("orders", "cancel", {"order_id": saga}).ok)
        place = f"sagas/order_saga/{text_of(saga)}"
        parked = self.await_said(lambda: [each for each in gateway.ask("GET", "/ui/state").json["sagas"]["list"]
                                          if each["state"] == "parked"])
        self.assertIn("charge", parked[0]["effects"])
        done = self.order(gateway, f"{place}/resume", "I looked")
        self.assertEqual(200, done.status, done)
        shown = self.await_said(lambda: [
            each["note"] for each in gateway.ask("GET", f"/ui/{place}").json["records"] if "I looked" in each["note"]])
        self.assertEqual("resume by page of g1: I looked", shown[0])
        self.assert_problem(409, "rejected", self.order(gateway, f"sagas/order_saga/{text_of(new_id())}/resume"))

    def test_what_is_no_order_is_refused_before_anybody_is_asked(self):
        gateway = self.start_page()
        letter = f"letters/{text_of(new_id())}/drop"
        for why in ("", "  \n", "x" * 1001, 7, None):
            with self.subTest(why=why):
                self.assert_problem(400, "invalid", self.order(gateway, letter, why))
        for body in ("", "[]", "{}", '{"why": "a", "who": "ann"}', '{"why": "a", "node": "n1"}', "nonsense"):
            with self.subTest(body):
                self.assert_problem(400, "invalid", gateway.ask("POST", f"/ui/{letter}", body))
        for path in ("letters/nonsense/drop", f"letters/{text_of(new_id())}/burn", "breakers/nobody/open",
                     "breakers/echo/ajar", f"sagas/echo/{text_of(new_id())}/skip"):
            with self.subTest(path):
                self.assert_problem(400, "invalid", self.order(gateway, path))
        self.assert_problem(400, "invalid", gateway.ask("POST", "/ui/breakers/echo/open", {"why": "a", "node": "n9"}))
        self.assert_problem(405, "method_not_allowed", gateway.ask("GET", f"/ui/{letter}"))
        self.assertEqual([], self.gateway.find("page.ordered"))

    def test_pages_of_other_sites_give_none(self):
        gateway = self.start_page()
        own = f"http://127.0.0.1:{gateway.port}"
        for fields in ({"Origin": "https://evil.example"}, {"Origin": "null"}, {"Origin": "http://127.0.0.1:1"},
                       {"Origin": own, "Sec_Fetch_Site": "same-site"}, {"Sec_Fetch_Site": "cross-site"},
                       {"X_Forwarded_For": "10.0.0.1"}):
            with self.subTest(fields):
                self.assert_problem(403, "forbidden", self.order(gateway, "breakers/echo/open", **fields))
        self.assert_problem(421, "misdirected", self.order(gateway, "breakers/echo/open", Host="evil.example"))
        # What a form may send without asking first.
        for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""):
            with self.subTest(kind):
                self.assert_problem(415, "unsupported_media_type",
                                    self.order(gateway, "breakers/echo/open", Content_Type=kind))
        self.assertEqual([], self.worker.find("breaker.forced"))
        self.assertEqual(200, self.order(gateway, "breakers/echo/auto", Origin=own, Sec_Fetch_Site="same-origin").status)

    def test_nobody_to_carry_it_out_is_said(self):
        gateway = self.start_page()
        self.worker.kill()
        self.await_said(lambda: gateway.ask("GET", "/ui/state").json["places"]["nodes"][0]["presence"] == "away")
        self.assertIn(self.order(gateway, "breakers/echo/open").status, (503, 504))
        self.gateway.wait_for("page.order_given")
        self.assertNotEqual("", self.gateway.wait_for("page.ordered")["outcome"])


class ForOperators(Ordering):
    def start_system(self, ui: str, of_gateway: str) -> Gateway:
        port = free_port()
        gateways = (f'gateways:\n  g1:\n    listen: "http://127.0.0.1:{port}"\n    ui: {ui}\n'
                    f"    routes:\n      {ROUTES}\n")
        looks = '{call: [troupe.broker.status]}'
        allow = (f"{{anonymous: {ALL}, operator: {ALL}, anna: {looks}, g1: {{call: [{of_gateway}]}}}}")
        self.shop = SecuredSystem(
            {"echo": "{actor: echo, replicas: 2, store: none}"}, nodes=("n1",), more=gateways, allow=allow,
            tokens="{issuer: shop, audience: shop}")
        self.addCleanup(self.shop.close)
        self.assertEqual(0, troupe("keys", "new", self.shop.file).returncode)
        self.assertEqual(0, troupe("token", "keys", self.shop.file).returncode)
        self.shop.broker()
        self.worker = self.shop.worker("n1")
        self.gateway = self.shop.run("troupe-gateway", "g1")
        self.gateway.wait_for("gateway.started")
        return Gateway(port)

    def token(self, service: str) -> str:
        done = troupe("token", "new", self.shop.file, "--for", service, "--unbound")
        self.assertEqual(0, done.returncode, done.stderr)
        return done.stdout.strip()

    def test_a_token_of_who_may_gives_an_order_under_its_name(self):
        gateway = self.start_system("operators", "echo.echo, troupe.node.*, troupe.events.*")
        path = "breakers/echo/open"
        self.assert_problem(401, "unauthenticated", self.order(gateway, path))
        self.assert_problem(403, "forbidden", self.order(gateway, path, x_service_token="nonsense"))
        # Whoever may look may not act.
        anna = self.token("anna")
        self.assertEqual(200, gateway.ask("GET", "/ui/state", x_service_token=anna).status)
        refused = self.assert_problem(403, "forbidden", self.order(gateway, path, x_service_token=anna))
        self.assertIn("anna", refused["detail"])
        self.assertIn("troupe.node.n1.force_breaker", refused["detail"])
        told = self.gateway.wait_for("access_refused", who="anna")
        self.assertEqual(("request", "POST /ui/breakers", "anna.call"), (told["act"], told["what"], told["rule"]))
        self.assertIn("troupe.node.n1.force_breaker", told["why"])
        self.assertEqual([], self.gateway.find("page.order_given") + self.gateway.find("page.ordered"))
        operator = self.token("operator")
        self.assert_problem(400, "invalid", self.order(gateway, path, "", x_service_token=operator))
        done = self.order(gateway, path, "a move", x_service_token=operator)
        self.assertEqual(200, done.status, done)
        told = self.worker.wait_for("breaker.forced", to="forced_open")
        self.assertEqual("a move", told["why"])
        self.assertTrue(told["who"].startswith("operator at the page of g1"), told)
        self.assertEqual("operator at the page of g1", self.gateway.wait_for("page.ordered")["who"])
        state = gateway.ask("GET", "/ui/state", x_service_token=operator).json
        self.assertEqual(["letters", "breakers", "sagas"], state["orders"])

    def test_a_gateway_without_the_rights_offers_and_passes_on_nothing(self):
        gateway = self.start_system("operators", "echo.echo")
        operator = self.token("operator")
        self.assertEqual([], gateway.ask("GET", "/ui/state", x_service_token=operator).json["orders"])
        refused = self.order(gateway, "breakers/echo/open", x_service_token=operator)
        self.assertEqual(403, refused.status, refused)
        self.assertIn("g1", refused.json["detail"])
        self.assertEqual([], self.worker.find("breaker.forced"))

    def test_a_page_without_tokens_gives_no_orders_where_commands_need_a_key(self):
        gateway = self.start_system("loopback", "echo.echo, troupe.node.*, troupe.events.*")
        self.assertEqual([], gateway.ask("GET", "/ui/state").json["orders"])
        self.assertEqual(404, self.order(gateway, "breakers/echo/open").status)


if __name__ == "__main__":
    unittest.main()
