"""The old shop of examples/strangler is replaced under load, by flags, without a failed request."""

import collections
import datetime
import http.client
import importlib.util
import json
import os
import subprocess
import sys
import threading
import time
import unittest
import uuid

from collector import Collector
from harness import BIN, PATIENCE, SOURCE, System, SystemTest, free_port

EXAMPLE = SOURCE / "examples" / "strangler"
OLD = "the old shop"


class Shop(System):
    """The example's own topology, on ports of its own."""

    def write(self, name, more=None):
        self.ports = getattr(self, "ports", None) or {
            each: free_port() for each in ("3002", "8081", "8082", "9181", "9182")}
        text = (EXAMPLE / "strangler.yaml").read_text()
        text = text.replace("tcp://127.0.0.1:5560", self.endpoints["b1"])
        for old, new in self.ports.items():
            text = text.replace(f"127.0.0.1:{old}", f"127.0.0.1:{new}")
        path = self.folder / name
        path.write_text(text + (self.more if more is None else more))
        return path


class Load(threading.Thread):
    """Users of one gateway that ask without end, each over a kept connection."""

    def __init__(self, port, users):
        super().__init__(daemon=True)
        self.port, self.users = port, users
        self.enough = threading.Event()
        self.news = threading.Condition()
        self.answers = []  # (time, user, who answered); any thread may look at its end.
        self.failed = []

    def run(self):
        link = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        turn = 0
        while not self.enough.is_set():
            user = self.users[turn % len(self.users)]
            turn += 1
            try:
                link.request("GET", f"/api/users/{user}", headers={"X-User": user})
                answer = link.getresponse()
                body = json.loads(answer.read())
                if answer.status != 200 or body["user_id"] != user:
                    self.failed.append((user, answer.status, body))
            except (OSError, http.client.HTTPException, ValueError, KeyError) as fault:
                self.failed.append((user, repr(fault)))
                link.close()
                continue
            with self.news:
                self.answers.append(
                    (time.monotonic(), user, answer.getheader("X-Served-By") or "capability"))
                self.news.notify_all()
        link.close()

    def await_round(self):
        """Waits until each user was answered from now on; says by whom."""
        with self.news:
            begin = len(self.answers) + 1  # One may be under way.
            if not self.news.wait_for(
                    lambda: len(self.answers) >= begin + len(self.users) or self.failed, 2 * PATIENCE):
                raise AssertionError("the load stands still")
            sides = collections.defaultdict(set)
            for _, user, who in self.answers[begin:]:
                sides[user].add(who)
            return dict(sides)


class Strangler(SystemTest):
    def start(self, gateways=("g1", "g2"), users=40, more="", old_shop=None):
        self.shop = Shop({"users": "{}"}, nodes=("n1",), more=more)
        self.addCleanup(self.shop.close)
        self.old = (old_shop or self.start_old_shop)(users)
        self.broker = self.shop.broker()
        self.shop.worker("n1")
        self.gateways = {each: self.shop.run("troupe-gateway", each) for each in gateways}
        for each in self.gateways.values():
            each.wait_for("gateway.started")
            each.wait_for("flags.read")
        users = json.loads(self.get("8081", "/api/users")[1])
        self.users = [each["user_id"] for each in users]
        # As copy_data.py does it, which starts a process for each.
        client = self.shop.client()
        for each in users:
            reply = client.call("users", "register", {"email": each["email"], "name": each["name"]},
                                call_id=uuid.UUID(each["user_id"]).bytes)
            self.assertTrue(reply.ok, reply)

    def start_old_shop(self, users):
        old = subprocess.Popen(
            [sys.executable, str(EXAMPLE / "old_shop.py"), "--port", str(self.shop.ports["3002"]),
             "--users", str(users)],
            stdout=subprocess.PIPE, text=True)
        self.addCleanup(old.stdout.close)
        self.addCleanup(old.wait)
        self.addCleanup(old.kill)
        old.stdout.readline()
        return old

    def ask(self, port, method, path, body=None, **fields):
        link = http.client.HTTPConnection("127.0.0.1", self.shop.ports[port], timeout=PATIENCE)
        try:
            link.request(method, path, body, {
                name.replace("_", "-"): value for name, value in fields.items()})
            answer = link.getresponse()
            return answer.status, answer.read().decode(), answer.getheader("X-Served-By")
        finally:
            link.close()

    def get(self, port, path, **fields):
        return self.ask(port, "GET", path, **fields)

    def start_listening_shop(self, users):
        """The same old shop in this process: what of the traces it is told."""
        spec = importlib.util.spec_from_file_location("old_shop", EXAMPLE / "old_shop.py")
        old_shop = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(old_shop)
        told = self.told = []

        class Listening(old_shop.Handler):
            def parse_request(self):
                done = super().parse_request()
                if self.path == "/gone":
                    self.close_connection = True  # Without an answer.
                    return False
                if done:
                    told.append((self.path, self.headers.get_all("traceparent", []), self.headers.get_all("tracestate", [])))
                return done

        server = old_shop.Server(("127.0.0.1", self.shop.ports["3002"]), Listening)
        server.shop = old_shop.Shop(users)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        return server

    def flag(self, value):
        done = subprocess.run(
            [str(BIN / "troupe"), "flag", "set", str(self.shop.file), "users", value, "--why", "a test",
             "--deadline", f"{PATIENCE:.0f}s", "--json"], capture_output=True, text=True)
        self.assertEqual(0, done.returncode, done.stderr)
        return datetime.datetime.fromisoformat(json.loads(done.stdout)["at"])

    def metric(self, gateway, name, **labels):
        port = {"g1": "9181", "g2": "9182"}[gateway]
        wanted = name + "{" + ",".join(f'{key}="{value}"' for key, value in labels.items()) + "} "
        for line in self.get(port, "/metrics")[1].splitlines():
            if line.startswith(wanted):
                return int(float(line.removeprefix(wanted)))
        raise AssertionError(f"no {wanted}")

    def test_an_old_shop_is_replaced_without_a_failed_request(self):
        self.start()
        loads = [Load(self.shop.ports[port], self.users) for port in ("8081", "8081", "8082", "8082")]
        for each in loads:
            each.start()
        try:
            before = {}
            for value, least, most in (("0%", 0, 0), ("25%", 1, 30), ("100%", 40, 40)):
                journaled = self.flag(value)
                for each in self.gateways.values():
                    heard = each.wait_for("flag.changed", to=value)["at"]
                    self.assertLess(
                        (datetime.datetime.fromisoformat(heard) - journaled).total_seconds(), 5,
                        "milliseconds on a quiet machine")
                rounds = [each.await_round() for each in loads]
                for sides in rounds:
                    self.assertEqual(rounds[0], sides, "all gateways choose alike")
                self.assertEqual(set(self.users), set(rounds[0]))
                for user, sides in rounds[0].items():
                    self.assertEqual(1, len(sides), "a user stays on one side")
                modern = {user for user, sides in rounds[0].items() if sides == {"capability"}}
                self.assertTrue(least <= len(modern) <= most, f"{len(modern)} of 40 at {value}")
                self.assertLessEqual(set(before), modern, "nobody goes back")
                before = modern
            # What was counted is what was asked, and the old shop may go.
            self.old.kill()
            self.assertEqual({"capability"}, set().union(*loads[0].await_round().values()))
        finally:
            for each in loads:
                each.enough.set()
            for each in loads:
                each.join(2 * PATIENCE)
        self.assertEqual([], [fault for each in loads for fault in each.failed])
        for gateway, port in (("g1", "8081"), ("g2", "8082")):
            asked = sum(len(each.answers) for each in loads if each.port == self.shop.ports[port])
            answered = sum(self.metric(gateway, "troupe_gateway_feature_requests_total",
                                       feature="users", side=side) for side in ("legacy", "modern"))
            self.assertLessEqual(asked, answered)
            self.assertEqual(0, self.metric(gateway, "troupe_gateway_legacy_failures_total",
                                            feature="users"))

    def test_both_sides_are_compared_and_testers_choose(self):
        self.start(("g1",), users=3)
        for _ in range(2):  # Again, and nothing is twice.
            done = subprocess.run(
                [sys.executable, str(EXAMPLE / "copy_data.py"), str(self.shop.file), "--from",
                 f"http://127.0.0.1:{self.shop.ports['3002']}"],
                env={"TROUPE_BIN": str(BIN)}, capture_output=True, text=True)
            self.assertEqual("copied 3 users and 4 products\n", done.stdout, done.stderr)
        tail = subprocess.Popen(
            [str(BIN / "troupe"), "tail", str(self.shop.file), "troupe.differences", "--from", "oldest",
             "--count", "1", "--json"], stdout=subprocess.PIPE, text=True)
        self.addCleanup(tail.stdout.close)
        self.addCleanup(tail.wait)
        self.addCleanup(tail.kill)

        # The first user's address has a capital, which the capability does not keep.
        first, second = self.users[:2]
        self.assertEqual(OLD, self.get("8081", f"/api/users/{second}")[2])
        self.assertEqual(OLD, self.get("8081", f"/api/users/{first}")[2])
        said = json.loads(tail.stdout.readline())["body"]

        self.assertEqual("users", said["feature"])
        self.assertEqual(f"GET /api/users/{first}", said["request"], said)
        self.assertEqual([{"at": "/email", "what": "another text"}], said["differences"])
        self.gateways["g1"].wait_for("answers.differ")
        for result in ("different", "same"):  # The other side's answers come when they come.
            until = time.monotonic() + PATIENCE
            while self.metric("g1", "troupe_gateway_comparisons_total", feature="users",
                              result=result) == 0:
                self.assertLess(time.monotonic(), until, f"nothing was {result}")
            self.assertEqual(1, self.metric(
                "g1", "troupe_gateway_comparisons_total", feature="users", result=result))

        stock = [json.loads(self.get("8081", "/api/inventory/pot", x_side=side)[1])
                 for side in ("legacy", "modern")]
        self.assertEqual(stock[0], stock[1])
        status, body, who = self.get("8081", f"/api/users/{first}", x_side="modern")
        self.assertEqual((200, "user0@old.example", None), (status, json.loads(body)["email"], who))
        self.assertEqual(400, self.get("8081", f"/api/users/{first}", x_side="new")[0])

        # What no route takes is the old shop's, whatever the method.
        made = self.ask("8081", "POST", "/api/users", json.dumps({"email": "a@b", "name": "A"}))
        self.assertEqual((201, OLD), (made[0], made[2]))
        self.assertEqual((404, OLD), self.get("8081", "/nowhere")[::2])

        self.old.kill()
        self.old.wait()
        status, body, _ = self.get("8081", f"/api/users/{first}")
        self.assertEqual((502, "legacy_unreachable"), (status, json.loads(body)["code"]))

    def test_a_request_is_one_tree_over_the_old_shop_and_the_capability(self):
        collector = Collector()
        self.addCleanup(collector.shutdown)
        self.start(("g1",), users=2, more=f'\ntraces: {{sample: 0, otlp: "{collector.url}"}}\n',
                   old_shop=self.start_listening_shop)
        user = self.users[1]
        path = f"/api/users/{user}"
        with self.subTest("both are asked, and compared"):
            trace = os.urandom(16).hex()
            self.assertEqual(200, self.get("8081", path, traceparent=f"00-{trace}-00f067aa0ba902b7-01", tracestate="v=1")[0])
            route = "GET /api/users/{user_id}"
            spans = collector.wait_for({route, f"legacy {route}", "queue users", "users.get"}, trace)
            while len(spans) < 5:  # The route of the capability has one of the same name.
                spans = collector.wait_for_more(trace, len(spans))
            ids = {each["id"]: each for each in spans}
            self.assertEqual(5, len(ids), spans)
            (root,) = [each for each in spans if each["parent"] not in ids]
            self.assertEqual((route, 2, "00f067aa0ba902b7"), (root["name"], root["kind"], root["parent"]))
            (asked,) = [each for each in spans if each["name"] == f"legacy {route}"]
            self.assertEqual((3, root["id"]), (asked["kind"], asked["parent"]))
            self.assertEqual((path, [f"00-{trace}-{asked['id']}-01"], ["v=1"]), self.told[-1])
            (inner,) = [each for each in spans if each["name"] == route and each is not root]
            self.assertEqual((1, root["id"]), (inner["kind"], inner["parent"]))
            for each in spans:
                self.assertEqual("v=1", each["state"], each)
            self.assertEqual({"http.request.method": "GET", "http.route": "/api/users/{user_id}", "http.response.status_code": "200",
                              "url.path": path, "troupe.feature": "users"}, root["notes"])
        with self.subTest("the capability alone"):
            trace = os.urandom(16).hex()
            self.get("8081", path, x_side="modern", traceparent=f"00-{trace}-00f067aa0ba902b7-01")
            spans = collector.wait_for({route, "queue users", "users.get"}, trace)
            self.assertEqual(["00f067aa0ba902b7"], [each["parent"] for each in spans if each["name"] == route])
        with self.subTest("the old shop alone, which no route takes"):
            trace = os.urandom(16).hex()
            self.get("8081", "/", traceparent=f"00-{trace}-00f067aa0ba902b7-01")
            spans = collector.wait_for({"GET", "legacy GET"}, trace)
            self.assertEqual([f"00-{trace}-{each['id']}-01" for each in spans if each["kind"] == 3], self.told[-1][1])
        with self.subTest("a trace that nobody records is passed on, and one that is none is not"):
            silent = f"00-{os.urandom(16).hex()}-00f067aa0ba902b7-00"
            self.get("8081", "/", traceparent=silent)
            self.assertEqual([silent], self.told[-1][1])
            self.get("8081", "/", traceparent="nonsense", tracestate="v=1")
            self.assertEqual(("/", [], []), self.told[-1])
        with self.subTest("a failure has a span in any case"):
            silent = os.urandom(16).hex()
            self.assertEqual(502, self.get("8081", "/gone", traceparent=f"00-{silent}-00f067aa0ba902b7-00")[0])
            spans = collector.wait_for({"GET", "legacy GET"}, silent)
            self.assertEqual({"legacy_broken"}, {each["notes"]["error.type"] for each in spans})

    # The old shop must not depend on the broker: a gateway goes by what it heard last.
    def test_flags_outlive_the_broker_and_the_gateway(self):
        self.start(("g1",), users=1)
        user = self.users[0]
        self.flag("100%")
        self.gateways["g1"].wait_for("flag.changed", to="100%")
        self.flag("0%")
        self.gateways["g1"].wait_for("flag.changed", to="0%")

        self.broker.kill()
        self.assertEqual(OLD, self.get("8081", f"/api/users/{user}")[2])
        self.gateways["g1"].kill()
        again = self.shop.run("troupe-gateway", "g1")
        again.wait_for("gateway.started")
        self.assertEqual(OLD, self.get("8081", f"/api/users/{user}")[2])
        again.kill()

        # Nobody knows: it is not guessed.
        (self.shop.data / "g1.flags").unlink()
        again = self.shop.run("troupe-gateway", "g1")
        again.wait_for("gateway.started")
        status, body, _ = self.get("8081", f"/api/users/{user}")
        self.assertEqual((503, "flags_unknown"), (status, json.loads(body)["code"]))
        self.assertEqual(OLD, self.get("8081", f"/api/users/{user}", x_side="legacy")[2])
        self.broker = self.shop.broker()
        again.wait_for("flags.read")
        self.assertEqual(OLD, self.get("8081", f"/api/users/{user}")[2])


if __name__ == "__main__":
    unittest.main()
