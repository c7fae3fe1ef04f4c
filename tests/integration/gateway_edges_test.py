"""A gateway between others' programs: errors and traces as brokers and workers have them, proxies, TLS, and its end."""

import json
import os
import shutil
import signal
import subprocess
import time
import unittest

import msgpack
import zmq

from gateway_systems import Gateway, GatewayTest, uuid7
from harness import BIN, PATIENCE, System, free_port, new_id, text_of
from played_broker import PlayedBroker, messages_in

CALM = {"calm": "{actor: faulty, replicas: 2}"}
NOTES = {"notes": "{subscribes: [note.*], config: {tell: true}}"}
ROUTES = """
GET /calm: {call: calm.ask_echo, deadline: 30s}
POST /calm: {call: calm.echo, deadline: 30s}
"""
TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
# Of each code: its number on the wire, its status over HTTP.
CODES = {"rejected": (1, 422), "invalid": (2, 400), "conflict": (3, 409), "unknown_capability": (4, 502),
         "unknown_operation": (5, 502), "unauthenticated": (6, 401), "forbidden": (7, 403),
         "overloaded": (8, 503), "circuit_open": (9, 503), "unavailable": (10, 503),
         "deadline_exceeded": (11, 504), "crashed": (12, 500), "internal": (13, 500)}


class PlayedWorker:
    """A worker played word by word, as one of another language could be."""

    def __init__(self, system: System, capability: str):
        done = subprocess.run([BIN / "troupe", "check", system.file, "--json"], capture_output=True,
                              text=True, check=True)
        self._socket = system.context.socket(zmq.DEALER)
        self._socket.connect(system.endpoints["b1"])
        self._say("hello", {
            "role": "worker", "node": "n1", "incarnation": new_id(), "batch": True, "pid": os.getpid(),
            "plan": 0, "shared_plan": int(json.loads(done.stdout)["digest"], 16), "in_flight": [], "serves": [{
                "capability": capability, "credit": 64, "inbox": True, "replicas": 1, "breaker": "closed",
                "retry_after_ms": 0, "events": 0}]})

    def _say(self, kind: str, body: object, **header: object) -> None:
        self._socket.send_multipart([msgpack.packb({"v": 1, "kind": kind, **header}), msgpack.packb(body)])

    def wait_for_call(self) -> dict:
        """The header of the next call; answers pings until it is there."""
        until = time.monotonic() + PATIENCE
        while self._socket.poll(max(0, int(1000 * (until - time.monotonic())))):
            for header, _ in messages_in(self._socket.recv_multipart()):
                if header["kind"] == "call":
                    return header
                if header["kind"] == "ping":
                    self._say("pong", {"finished": 0, "busy_ms": 0})
        raise AssertionError(f"no call within {PATIENCE} s")

    def answer(self, header: dict, body: object) -> None:
        self._say("reply", body, id=header["id"], status="ok")

    def close(self) -> None:
        self._socket.close(0)


class Answers(GatewayTest):
    """What a broker or worker says, and what comes of it over HTTP. They are played."""

    def curl(self, gateway, *words: str, path: str = "/calm?text=a") -> subprocess.Popen:
        """One request under way; its answer's status and body are its output."""
        asked = subprocess.Popen(
            ["curl", "-s", "-m", str(2 * PATIENCE), "-w", "\n%{http_code} %header{retry-after}", *words,
             f"http://127.0.0.1:{gateway.port}{path}"], stdout=subprocess.PIPE, text=True)
        self.addCleanup(asked.stdout.close)
        self.addCleanup(asked.wait)
        self.addCleanup(asked.kill)
        return asked

    def test_each_error_of_the_wire_is_a_problem_of_its_own_and_keeps_what_it_says(self):
        system, gateway = self.served(CALM, ROUTES)
        broker = PlayedBroker(system)
        self.addCleanup(broker.socket.close)
        self.start(system)
        broker.welcome()
        for code, (number, status) in CODES.items():
            asked = self.curl(gateway)
            header, _ = broker.wait_for("call")
            self.assertEqual(("calm", "ask_echo"), (header["to"], header["op"]))
            more = {"retry_after_ms": 2500} if status == 503 else {}
            broker.send("reply", id=header["id"], status="error", error={
                "code": code, "number": number, "message": f"said {code}", "effect": "none",
                "details": {"reason": "as_said"}, **more})
            body, _, tail = asked.communicate(timeout=PATIENCE)[0].rpartition("\n")
            said = json.loads(body)
            self.assertEqual(
                (code, number, status, f"said {code}", "none", "as_said"),
                (said["code"], said["number"], said["status"], said["detail"], said["effect"], said["reason"]))
            self.assertEqual([str(status)] + (["3"] if more else []), tail.split(), code)

    def test_words_for_operators_reach_no_client(self):
        system, gateway = self.served(CALM, ROUTES)
        broker = PlayedBroker(system)
        self.addCleanup(broker.socket.close)
        self.start(system)
        broker.welcome()
        for code, message, details in (
                ("unavailable", "calm is down: data/calm.db is damaged", {"fault": "shut"}),
                ("circuit_open", "its breaker is forced open by ann: fraud", {"fault": "forced"}),
                ("internal", "user troupe at 10.0.0.5: no password", {"fault": "other"}),
                ("rejected", "by ann: fraud", {"reason": "compensate", "fault": "ordered"})):
            asked = self.curl(gateway)
            header, _ = broker.wait_for("call")
            broker.send("reply", id=header["id"], status="error", error={
                "code": code, "number": CODES[code][0], "message": message, "effect": "none", "details": details})
            body, _, tail = asked.communicate(timeout=PATIENCE)[0].rpartition("\n")
            with self.subTest(code):
                self.assertEqual(str(CODES[code][1]), tail.split()[0])
                self.assertRegex(json.loads(body)["detail"], r"^The operation [a-z ]+\.$")
                self.assertNotRegex(body, r"data/|\bann\b|10\.0")

    def test_a_code_of_a_later_release_is_a_fault_inside(self):
        system, gateway = self.served(CALM, ROUTES)
        broker = PlayedBroker(system)
        self.addCleanup(broker.socket.close)
        self.start(system)
        broker.welcome()
        asked = self.curl(gateway)
        header, _ = broker.wait_for("call")
        broker.send("reply", id=header["id"], status="error", error={
            "code": "tired", "number": 99, "message": "said tired", "effect": "none"})
        body, _, status = asked.communicate(timeout=PATIENCE)[0].rpartition("\n")
        self.assertEqual(("500", "internal"), (status.strip(), json.loads(body)["code"]))

    def test_a_failure_is_no_last_word_on_a_key(self):
        system, gateway = self.served(CALM, ROUTES)
        broker = PlayedBroker(system)
        self.addCleanup(broker.socket.close)
        self.start(system)
        broker.welcome()
        key = ["-H", f"Idempotency-Key: {uuid7()}", "-H", "Content-Type: application/json", "-d", '{"text": "a"}']
        asked = self.curl(gateway, *key, "-H", "Prefer: respond-async", "-w", "\n%{http_code}", path="/calm")
        self.assertIn("202", asked.communicate(timeout=PATIENCE)[0])
        first, _ = broker.wait_for("call")
        broker.send("reply", id=first["id"], status="error", error={
            "code": "unavailable", "number": 10, "message": "not now", "effect": "none"})
        self.assertEqual(503, gateway.ask("GET", f"/calls/{text_of(first['id'])}", Prefer="wait=10").status)
        asked = self.curl(gateway, *key, path="/calm")
        again, _ = broker.wait_for("call")
        self.assertEqual(first["id"], again["id"])
        broker.send("reply", {"text": "a"}, id=again["id"], status="ok")
        self.assertEqual('{"text":"a"}\n\n200', asked.communicate(timeout=PATIENCE)[0].strip())
        self.assertEqual(200, gateway.ask("GET", f"/calls/{text_of(first['id'])}").status)

    def test_traceparent_reaches_the_message_that_a_worker_gets(self):
        system, gateway = self.served(CALM, ROUTES)
        system.broker()
        self.start(system)
        worker = PlayedWorker(system, "calm")
        self.addCleanup(worker.close)
        nothing = "00-" + "0" * 32 + "-00f067aa0ba902b7-01"
        for given, goes_on in (([TRACE], True), ([nothing], False), (["x"], False), ([TRACE, TRACE], False)):
            asked = self.curl(gateway, *(word for each in given for word in ("-H", f"traceparent: {each}")))
            header = worker.wait_for_call()
            arrives = header.get("traceparent", "")
            if goes_on:
                self.assertRegex(arrives, f"^00-{TRACE[3:35]}-[0-9a-f]{{16}}-01")
            else:
                self.assertEqual("", arrives, "what is no trace is dropped, and this topology begins none")
            worker.answer(header, {"text": "a"})
            self.assertEqual('{"text":"a"}\n\n200', asked.communicate(timeout=PATIENCE)[0].strip())


class Told(GatewayTest):
    """What `troupe` says of gateways."""

    def test_check_and_status_list_gateways(self):
        system, gateway = self.served({**CALM, **NOTES}, ROUTES + "GET /events: {events: [noted]}\n")

        def said(command: str) -> list:
            done = subprocess.run([BIN / "troupe", command, system.file, "--json"], capture_output=True,
                                  text=True, check=False)
            return json.loads(done.stdout)["gateways"]

        [checked] = said("check")
        call = {"deadline_ms": 30_000, "status": 200, "rejected": {}, "wants_key": False, "wants_token": False}
        self.assertEqual(("g1", f"http://127.0.0.1:{gateway.port}"), (checked["name"], checked["listen"]))
        self.assertEqual(
            [{"method": "GET", "path": "/calm", "calls": "calm.ask_echo", **call},
             {"method": "POST", "path": "/calm", "calls": "calm.echo", **call},
             {"method": "GET", "path": "/events", "events": ["noted"], "wants_token": False}], checked["routes"])
        system.broker()
        self.assertEqual([False], [each["live"] for each in said("status")])
        process = self.start(system)
        while not said("status")[0]["live"]:
            pass
        self.assertEqual(["b1"], said("status")[0]["brokers"])
        head = gateway.ask("HEAD", "/events")  # No length, as GET has none.
        self.assertEqual((200, "text/event-stream", "no-store", None),
                         (head.status, *(head.fields[name] for name in ("Content-Type", "Cache-Control", "Content-Length"))))
        process.kill()
        while said("status")[0]["live"]:
            pass


class Doubted(GatewayTest):
    """What others' gateways have taken one way and their services another."""

    def test_a_request_with_two_keys_is_refused_before_anything_happens(self):
        system, gateway = self.served(CALM, ROUTES + "GET /count: {call: calm.count}\n")
        system.broker()
        system.worker()
        self.start(system)
        done = subprocess.run(
            ["curl", "-s", "-H", "Content-Type: application/json", "-H", "Idempotency-Key: one",
             "-H", "Idempotency-Key: two", "-d", '{"text": "a"}', f"http://127.0.0.1:{gateway.port}/calm"],
            capture_output=True, text=True, check=True)
        said = json.loads(done.stdout)
        self.assertEqual((400, "bad_key"), (said["status"], said["reason"]))
        self.assertEqual({"count": 0}, gateway.ask("GET", "/count").json)

    def test_a_broker_that_is_away_makes_a_gateway_unready_and_never_dead(self):
        probe = Gateway(free_port())
        system, gateway = self.served(CALM, ROUTES, keys=f'    admin: "127.0.0.1:{probe.port}"\n')
        broker = system.broker()
        self.start(system)
        while probe.ask("GET", "/readyz").status != 200:
            pass
        broker.kill()
        while probe.ask("GET", "/readyz").status != 503:
            pass
        self.assertEqual(200, probe.ask("GET", "/livez").status)
        self.assertEqual(200, gateway.ask("GET", "/openapi.json").status, "it serves what needs nobody")

    def test_events_come_at_once_through_a_proxy_that_buffers(self):
        if shutil.which("nginx") is None:
            self.skipTest("nginx is not installed")
        system, gateway = self.served(
            NOTES, "GET /events: {events: [noted]}", more="events: {broker: b1}")
        system.broker()
        system.worker()
        self.start(system)
        front = Gateway(free_port())
        folder = system.folder / "nginx"
        folder.mkdir()
        paths = "".join(f"  {each}_temp_path {folder}/{each};\n"
                        for each in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        (folder / "conf").write_text(
            f"daemon off;\nmaster_process off;\npid {folder}/pid;\nerror_log {folder}/errors;\nevents {{}}\n"
            f"http {{\n  access_log off;\n{paths}  server {{\n    listen 127.0.0.1:{front.port};\n"
            f"    location / {{ proxy_pass http://127.0.0.1:{gateway.port}; proxy_buffering on; "
            f"proxy_http_version 1.1; }}\n  }}\n}}\n")
        nginx = subprocess.Popen(["nginx", "-c", folder / "conf", "-e", folder / "errors"])
        self.addCleanup(nginx.wait)
        self.addCleanup(nginx.terminate)
        stream = None
        while stream is None:
            try:
                stream = self.stream(front, "/events")
            except OSError:
                self.assertIsNone(nginx.poll())
        stream.wait(lambda: stream.last_id != "")
        client = system.client()
        for number in range(3):
            self.assertTrue(client.call("troupe.publish", "note.taken", {"text": str(number)}).ok)
            stream.wait(lambda: len(stream.events) == number + 1)


class Ends(GatewayTest):
    """A gateway that is told to stop."""

    def test_an_open_question_for_events_holds_nobody_up(self):
        system, gateway = self.served(
            {**CALM, **NOTES}, ROUTES + "GET /events: {events: [noted]}\n", more="events: {broker: b1}")
        system.broker()
        worker = system.worker()
        process = self.start(system)
        stream = self.stream(gateway, "/events")
        stream.wait(lambda: stream.last_id != "")  # From now on it asks for up to 10 s.
        # And a call for whose answer somebody may come again, which is answered.
        worker.freeze()
        answer = gateway.ask("POST", "/calm", {"text": "a"}, Prefer="respond-async")
        self.assertEqual(202, answer.status, answer)
        process.signal(signal.SIGTERM)
        begun = time.monotonic()
        stream.wait(lambda: stream.is_over)
        stream.close()
        with self.assertRaises(OSError):
            while True:
                gateway.ask("GET", "/nothing")
        worker.thaw()
        self.assertEqual(0, process.await_end())
        self.assertLess(time.monotonic() - begun, 7, "it waits for events that nobody reads")
        self.assertEqual("all", process.find("gateway.stopped")[0]["finished"])


class Proxies(GatewayTest):
    """Who the client is, when others stand in front of a gateway."""

    RATE = "    rate: {requests: 1, within: 1h, burst: 2}\n"

    def test_each_client_of_a_listed_proxy_has_a_rate_of_its_own(self):
        system, gateway = self.served(CALM, ROUTES, keys=self.RATE + '    proxies: ["127.0.0.1"]\n')
        self.start(system)

        def ask(said: str) -> int:
            return gateway.ask("GET", "/nothing", X_Forwarded_For=said).status

        self.assertEqual([404, 404, 429], [ask("198.51.100.1") for _ in range(3)])
        self.assertEqual(429, ask("203.0.113.9, 198.51.100.1"), "in front of it stands what a client says")
        self.assertEqual(404, ask("198.51.100.2"))
        self.assertEqual([404, 404, 429], [ask(f"2001:db8::{n}") for n in range(3)], "one /64 is one client")

    def test_whoever_is_not_listed_is_not_believed(self):
        system, gateway = self.served(CALM, ROUTES, keys=self.RATE)
        self.start(system)
        statuses = [gateway.ask("GET", "/nothing", X_Forwarded_For=f"198.51.100.{n}").status for n in range(3)]
        self.assertEqual([404, 404, 429], statuses)


class Tls(GatewayTest):
    """curl and openssl judge."""

    def make(self, name: str) -> None:
        """A certificate for `name` in place of what is there."""
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
             "-days", "2", "-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}",
             "-keyout", str(self.key), "-out", str(self.certificate)], check=True, capture_output=True)
        self.key.chmod(0o600)

    def curl(self, name: str, *words: str) -> subprocess.CompletedProcess:
        where = f"{name}:{self.gateway.port}"
        return subprocess.run(
            ["curl", "-s", "-S", "-m", str(PATIENCE), "--cacert", str(self.certificate),
             "--resolve", f"{where}:127.0.0.1", *words, f"https://{where}/calm?text=a"],
            capture_output=True, text=True, check=False)

    def test_a_gateway_over_tls_and_its_new_certificate(self):
        self.system_, self.gateway = self.served(
            CALM, ROUTES, scheme="https", keys="    tls: {certificate: one.pem, key: one.key}\n")
        self.certificate = self.system_.folder / "one.pem"
        self.key = self.system_.folder / "one.key"
        self.make("one.example")
        self.system_.broker()
        self.system_.worker()
        process = self.start(self.system_)
        self.assertEqual('{"text":"a"}\n', self.curl("one.example").stdout)
        self.assertEqual("", self.curl("other.example").stdout)
        for version, works in (("-tls1_3", True), ("-tls1_2", True), ("-tls1_1", False)):
            words = [] if works else ["-cipher", "DEFAULT@SECLEVEL=0"]
            done = subprocess.run(
                ["openssl", "s_client", "-connect", f"127.0.0.1:{self.gateway.port}", version, *words],
                input="", capture_output=True, text=True, timeout=PATIENCE, check=False)
            self.assertEqual(works, done.returncode == 0, version)

        self.make("two.example")
        process.signal(signal.SIGHUP)
        process.wait_for("certificates.read")
        self.assertEqual('{"text":"a"}\n', self.curl("two.example").stdout)
        good = self.certificate.read_bytes()
        self.certificate.write_bytes(b"nonsense")
        process.signal(signal.SIGHUP)
        self.assertIn("one.pem", process.wait_for("certificates.kept")["reason"])
        self.certificate.write_bytes(good)
        self.assertEqual('{"text":"a"}\n', self.curl("two.example").stdout)


if __name__ == "__main__":
    unittest.main()
