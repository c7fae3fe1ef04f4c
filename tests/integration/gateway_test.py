"""What whoever asks over HTTP gets, whatever happens to the call."""

import contextlib
import http.client
import queue
import signal
import subprocess
import threading
import unittest

from gateway_systems import Gateway, GatewayTest, uuid4, uuid7
from harness import BIN, PATIENCE, free_port

FAULTY = {"faulty": "{actor: faulty, replicas: 2, bulkhead: {in_flight: 2, queue: 1}}",
          "calm": "{actor: faulty, replicas: 2}",
          "notes": "{actor: notes}"}
ROUTES = """
POST /calm: {call: calm.echo, status: 201}
POST /slow: {call: calm.echo, status: 201, deadline: 30s}
POST /calm/{text}/keyed: {call: calm.echo, idempotency: required}
GET /calm/{text}: {call: calm.ask_echo}
GET /calm: {call: calm.ask_echo}
GET /count: {call: calm.count}
POST /throw: {call: faulty.throw}
POST /crash: {call: faulty.crash}
POST /hang: {call: faulty.hang, deadline: 300ms}
GET /hang: {call: faulty.ask_hang, deadline: 30s}
POST /notes: {call: notes.add}
"""


class Calls(GatewayTest):
    def setUp(self) -> None:
        self.shop, self.gateway = self.served(FAULTY, ROUTES, admin=True)
        self.shop.broker()

    def running(self) -> None:
        self.worker = self.shop.worker()
        self.process = self.start(self.shop)

    def test_a_request_becomes_a_call_and_its_answer_json(self):
        self.running()
        ask = self.gateway.ask
        self.assertEqual((201, {"text": "hé"}), ((a := ask("POST", "/calm", {"text": "hé"})).status, a.json))
        self.assertEqual({"text": "a b"}, ask("GET", "/calm/a%20b").json)
        self.assertEqual({"text": "a b"}, ask("GET", "/calm?text=a+b").json)
        self.assertEqual({"count": 1}, ask("GET", "/count").json)
        self.assertEqual((200, b""), ((a := ask("HEAD", "/count")).status, a.body))

    def test_whatever_is_wrong_with_a_request_is_a_problem(self):
        self.running()
        ask = self.gateway.ask
        said = self.assert_problem(400, "invalid", ask("POST", "/calm", {"text": 1}))
        self.assertEqual(("/text", "none"), (said["pointer"], said["effect"]))
        for body, pointer in (({"txt": "a"}, "/txt"), ({}, "/text"), ('{"text": "a", "text": "b"}', "/text"),
                              (b'{"text": "\xff"}', None), ("[" * 100, None), ("[]", None),
                              (b'\xef\xbb\xbf{"text": "a"}', None), (b'{"text": "a"}\0{"text": "b"}', None)):
            said = self.assert_problem(400, "invalid", ask("POST", "/calm", body))
            if pointer:
                self.assertEqual(pointer, said["pointer"], body)
        self.assert_problem(400, "invalid", ask("POST", "/calm?text=a", {"text": "a"}))
        self.assert_problem(400, "invalid", ask("GET", "/calm/a?text=b"))
        self.assert_problem(415, "unsupported_media_type",
                            ask("POST", "/calm", "text=a", Content_Type="application/x-www-form-urlencoded"))
        self.assert_problem(404, "not_found", ask("GET", "/nothing"))
        said = ask("DELETE", "/calm")
        self.assert_problem(405, "method_not_allowed", said)
        self.assertEqual("GET, HEAD, POST", said.fields["Allow"])
        self.assert_problem(413, "body_too_large", ask("POST", "/calm", {"text": "a" * (1 << 21)}))

    def test_every_failure_of_a_call_has_its_status(self):
        self.running()
        ask = self.gateway.ask
        said = self.assert_problem(500, "crashed", ask("POST", "/throw", {"text": "a"}))
        self.assertTrue(said["call_id"])
        command = [str(BIN / "troupe"), "breaker", str(self.shop.file), "faulty"]
        subprocess.run([*command, "open", "--why", "a test"], check=True, capture_output=True)
        answer = ask("POST", "/throw", {"text": "a"})
        self.assert_problem(503, "circuit_open", answer)
        self.assertGreater(int(answer.fields["Retry-After"]), 0)
        subprocess.run([*command, "disabled", "--why", "a test"], check=True, capture_output=True)
        self.worker.freeze()
        self.addCleanup(self.worker.thaw)
        said = self.assert_problem(504, "deadline_exceeded", ask("POST", "/hang", {"text": "a"}))
        self.assertEqual("unknown", said["effect"])

    def test_a_capability_that_is_down_is_said_and_others_are_served(self):
        self.process = self.start(self.shop)
        answer = self.gateway.ask("POST", "/hang", {"text": "a"})
        said = self.assert_problem(504, "deadline_exceeded", answer)
        self.assertEqual("none", said["effect"], "no worker was there to have it")
        self.shop.worker()
        self.assertEqual(201, self.gateway.ask("POST", "/calm", {"text": "a"}).status)

    def test_a_full_queue_refuses_at_once_and_says_when_to_come_again(self):
        self.running()
        self.worker.freeze()
        answers: queue.Queue = queue.Queue()

        def ask() -> None:
            # Those that are not refused are under way when the gateway is killed.
            with contextlib.suppress(OSError, http.client.HTTPException):
                answers.put(self.gateway.ask("GET", "/hang?text=a", within=2 * PATIENCE))

        askers = [threading.Thread(target=ask) for _ in range(8)]
        for each in askers:
            each.start()
        answer = answers.get(timeout=PATIENCE)
        self.assert_problem(503, "overloaded", answer)
        self.assertGreater(int(answer.fields["Retry-After"]), 0)
        self.process.kill()
        for each in askers:
            each.join(PATIENCE)

    def test_a_key_makes_a_repeat_harmless(self):
        self.running()
        ask = self.gateway.ask
        self.assert_problem(400, "key_missing", ask("POST", "/calm/a/keyed"))
        for key in (uuid7(), uuid4(), "order-17"):
            first = ask("POST", "/calm/a/keyed", Idempotency_Key=key)
            self.assertEqual((200, {"text": "a"}), (first.status, first.json))
            self.assertEqual(first.body, ask("POST", "/calm/a/keyed", Idempotency_Key=key).body)
            said = self.assert_problem(422, "conflict", ask("POST", "/calm/b/keyed", Idempotency_Key=key))
            self.assertEqual("id_reused", said["reason"])
        self.assertEqual({"count": 3}, ask("GET", "/count").json)
        old = "018f3c1e-7a2b-7c3d-8e4f-5061728394a5"
        said = self.assert_problem(400, "invalid", ask("POST", "/calm/a/keyed", Idempotency_Key=old))
        self.assertEqual("key_too_old", said["reason"])

    def test_many_at_once_under_one_key_are_one_call(self):
        self.running()
        for key in (uuid7(), uuid4()):
            answers = []
            askers = [threading.Thread(
                target=lambda: answers.append(self.gateway.ask("POST", f"/calm/{key}/keyed", Idempotency_Key=key)))
                for _ in range(16)]
            for each in askers:
                each.start()
            for each in askers:
                each.join(PATIENCE)
            self.assertEqual([200] * 16, [each.status for each in answers])
        self.assertEqual({"count": 2}, self.gateway.ask("GET", "/count").json)

    def test_who_would_rather_come_again_is_told_where(self):
        self.running()
        ask = self.gateway.ask
        self.worker.freeze()
        answer = ask("POST", "/slow", {"text": "later"}, Prefer="respond-async")
        self.assertEqual(202, answer.status, answer)
        where = answer.fields["Location"]
        self.assertEqual(f"/calls/{answer.json['call_id']}", where)
        self.assertEqual(202, ask("GET", where).status)
        self.worker.thaw()
        answer = ask("GET", where, Prefer="wait=10")
        self.assertEqual((201, {"text": "later"}), (answer.status, answer.json))
        self.assertEqual(answer.body, ask("GET", where).body)
        self.assert_problem(404, "unknown_call", ask("GET", f"/calls/{uuid4()}"))
        quick = ask("POST", "/slow", {"text": "now"}, Prefer="respond-async, wait=10")
        self.assertEqual(201, quick.status, "it was there within the time")

    def test_a_preference_shortens_a_call_and_nothing_makes_it_longer(self):
        self.running()
        self.worker.freeze()
        self.addCleanup(self.worker.thaw)
        answer = self.gateway.ask("POST", "/calm", {"text": "a"}, Prefer="wait=1")
        self.assert_problem(504, "deadline_exceeded", answer)
        answer = self.gateway.ask("POST", "/hang", {"text": "a"}, Prefer="wait=60")
        self.assert_problem(504, "deadline_exceeded", answer)

    def test_a_gateway_that_is_told_to_stop_finishes_first(self):
        self.running()
        self.worker.freeze()
        answers = []
        asker = threading.Thread(
            target=lambda: answers.append(self.gateway.ask("POST", "/slow", {"text": "a"})))
        asker.start()
        under_way = f"http://{self.shop.admin['b1']}/metrics"
        while "troupe_broker_calls_held 1" not in subprocess.run(
                ["curl", "-s", under_way], capture_output=True, text=True, check=True).stdout:
            pass
        self.process.signal(signal.SIGTERM)
        with self.assertRaises((OSError, http.client.HTTPException)):
            while True:
                self.gateway.ask("GET", "/nothing")
        self.worker.thaw()
        self.assertEqual(0, self.process.await_end())
        asker.join(PATIENCE)
        self.assertEqual(201, answers[0].status)
        self.assertEqual("all", self.process.find("gateway.stopped")[0]["finished"])


class Clients(GatewayTest):
    """What holds for all routes."""

    def test_pages_of_named_sites_may_read_answers(self):
        system, gateway = self.served(
            FAULTY, "POST /calm: {call: calm.echo}",
            keys='    cors: {origins: ["https://shop.example"]}\n')
        system.broker()
        system.worker()
        self.start(system)
        name = "Access-Control-Allow-Origin"
        good = gateway.ask("POST", "/calm", {"text": "a"}, Origin="https://shop.example")
        self.assertEqual(("https://shop.example", "Origin"), (good.fields[name], good.fields["Vary"]))
        bad = gateway.ask("POST", "/calm", {}, Origin="https://shop.example")
        self.assertEqual((400, "https://shop.example"), (bad.status, bad.fields[name]))
        large = gateway.ask("POST", "/calm", "x" * (1 << 21), Origin="https://shop.example")
        self.assertEqual((413, "https://shop.example", "Origin"),
                         (large.status, large.fields[name], large.fields["Vary"]), "refused before a route has it")
        other = gateway.ask("POST", "/calm", {"text": "a"}, Origin="https://other.example")
        self.assertEqual((200, None), (other.status, other.fields[name]))
        asked = gateway.ask("OPTIONS", "/calm", Origin="https://shop.example",
                            Access_Control_Request_Method="POST")
        self.assertEqual((204, "https://shop.example", "POST"),
                         (asked.status, asked.fields[name], asked.fields["Access-Control-Allow-Methods"]))
        self.assertIn("Idempotency-Key", asked.fields["Access-Control-Allow-Headers"])
        traced = gateway.ask("OPTIONS", "/calm", Origin="https://shop.example", Access_Control_Request_Method="POST",
                             Access_Control_Request_Headers="baggage,tracestate")
        self.assertEqual("baggage, tracestate", traced.fields["Access-Control-Allow-Headers"])

    def test_a_page_whose_name_leads_here_reads_nothing(self):
        system, gateway = self.served(FAULTY, "POST /calm: {call: calm.echo}\nGET /count: {call: calm.count}",
                                      keys="    hosts: [shop.example]\n")
        system.broker()
        system.worker()
        self.start(system)
        for host in ("evil.example", f"evil.example:{gateway.port}", "127.0.0.2", "localhost.evil.example"):
            self.assert_problem(421, "misdirected", gateway.ask("GET", "/count", Host=host))
        for host in ("shop.example", "localhost", f"LOCALHOST:{gateway.port}", "[::1]", "127.0.0.1"):
            self.assertEqual(200, gateway.ask("GET", "/count", Host=host).status, host)
        # A simple request, which a browser sends without asking first.
        self.assert_problem(403, "forbidden", gateway.ask("POST", "/calm", {"text": "a"}, Sec_Fetch_Site="cross-site",
                                                          Origin="https://evil.example"))
        self.assertEqual(200, gateway.ask("GET", "/count", Sec_Fetch_Site="cross-site").status)
        self.assertEqual(200, gateway.ask("POST", "/calm", {"text": "a"}, Sec_Fetch_Site="same-origin").status)

    def test_who_asks_too_much_is_told_when_to_come_again(self):
        system, gateway = self.served(
            FAULTY, "GET /count: {call: calm.count}",
            keys="    rate: {requests: 1, within: 1h, burst: 3}\n")
        system.broker()
        system.worker()
        self.start(system)
        statuses = [gateway.ask("GET", "/count").status for _ in range(3)]
        self.assertEqual([200] * 3, statuses)
        answer = gateway.ask("GET", "/count")
        said = self.assert_problem(429, "rate_limited", answer)
        self.assertAlmostEqual(3600, int(answer.fields["Retry-After"]), delta=60)
        self.assertGreater(said["retry_after_ms"], 0)

    def test_health_and_metrics_tell_of_it(self):
        probe = Gateway(free_port())
        system, gateway = self.served(FAULTY, "GET /count: {call: calm.count}",
                                      keys=f'    admin: "127.0.0.1:{probe.port}"\n')
        self.start(system)
        self.assertEqual(200, probe.ask("GET", "/livez").status)
        self.assertEqual(503, probe.ask("GET", "/readyz").status)
        system.broker()
        system.worker()
        self.assertEqual(200, gateway.ask("GET", "/count").status)
        while probe.ask("GET", "/readyz").status != 200:
            pass
        health = probe.ask("GET", "/health").json
        self.assertEqual({"broker.b1"}, set(health["checks"]))
        self.assertIn('troupe_gateway_answers_total{route="GET /count",status="2xx"} 1',
                      probe.ask("GET", "/metrics").body.decode())


if __name__ == "__main__":
    unittest.main()
