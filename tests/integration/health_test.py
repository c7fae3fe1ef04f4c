"""What an orchestrator, a load balancer and systemd hear of a node: asked by curl, told by a datagram."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import unittest

from harness import BIN, PATIENCE, System, SystemTest, free_port

SKIPPED = 77
STANDARD = "application/health+json"


def ask(system: System, node: str, path: str, *words: str, within: float = PATIENCE) -> tuple[int, str]:
    """Status and body by curl; 0 if nobody answers."""
    done = subprocess.run(
        ["curl", "-s", "--max-time", str(within), "-w", "\n%{http_code}", *words,
         f"http://{system.admin[node]}{path}"], capture_output=True, text=True, check=False)
    body, _, code = done.stdout.rpartition("\n")
    return int(code), body


class Health(SystemTest):
    def shop(self, **more: object) -> System:
        return self.system(nodes=("n1",), admin=True, **more)

    def await_status(self, wanted: int, system: System, node: str, path: str) -> str:
        until = time.monotonic() + PATIENCE
        while (said := ask(system, node, path))[0] != wanted:
            self.assertLess(time.monotonic(), until, f"{path} of {node} says {said}")
        return said[1]

    def test_a_running_system_is_live_ready_and_healthy(self):
        system = self.shop()
        system.broker()
        system.worker()
        for node, names in (("b1", ["journal", "capability.echo", "capability.notes"]),
                            ("n1", ["broker.b1", "capability.echo", "capability.notes",
                                    "database.notes"])):
            self.assertEqual((200, "live\n"), ask(system, node, "/livez"))
            self.await_status(200, system, node, "/readyz")
            said = json.loads(self.await_status(200, system, node, "/health"))
            self.assertEqual(["status", "checks", "timestamp"], list(said))
            self.assertEqual("healthy", said["status"])
            self.assertEqual(names, list(said["checks"]))
            for check in said["checks"].values():
                self.assertEqual("healthy", check["status"])
                self.assertGreater(check["responseTime"], 0)
                self.assertNotIn("error", check)
            standard = json.loads(ask(system, node, "/health", "-H", f"Accept: {STANDARD}")[1])
            self.assertEqual("pass", standard["status"])

    def test_a_worker_without_its_broker_is_live_and_not_ready(self):
        system = self.shop()
        broker = system.broker()
        system.worker()
        self.await_status(200, system, "n1", "/readyz")
        broker.kill()
        self.assertIn("logged in at no broker", self.await_status(503, system, "n1", "/readyz"))
        self.assertEqual(200, ask(system, "n1", "/livez")[0])
        said = json.loads(self.await_status(503, system, "n1", "/health"))
        self.assertEqual("unhealthy", said["status"])
        self.assertEqual("unhealthy", said["checks"]["broker.b1"]["status"])
        self.assertEqual("not logged in there", said["checks"]["broker.b1"]["error"])
        self.assertEqual("healthy", said["checks"]["capability.notes"]["status"])
        system.broker()
        self.await_status(200, system, "n1", "/health")

    def test_a_gateway_is_ready_while_a_broker_answers_it(self):
        system = self.shop(more="\n".join((
            "gateways:", "  g1:", f'    listen: "http://127.0.0.1:{free_port()}"',
            f'    admin: "127.0.0.1:{(port := free_port())}"',
            "    routes:", "      GET /api/notes/count: {call: notes.count}")))
        system.admin["g1"] = f"127.0.0.1:{port}"
        broker = system.broker()
        gateway = system.gateway()
        self.await_status(200, system, "g1", "/readyz")
        broker.freeze()
        self.assertIn("logged in at no broker", self.await_status(503, system, "g1", "/readyz"))
        self.assertEqual((200, "live\n"), ask(system, "g1", "/livez"))
        said = json.loads(self.await_status(503, system, "g1", "/health"))
        self.assertEqual("not logged in there", said["checks"]["broker.b1"]["error"])
        broker.thaw()
        self.await_status(200, system, "g1", "/health")
        gateway.freeze()
        self.assertEqual(0, ask(system, "g1", "/livez", within=1.5)[0])
        gateway.thaw()

    def test_a_broker_without_workers_is_ready_and_says_what_nobody_serves(self):
        system = self.shop()
        system.broker()
        self.assertEqual(200, ask(system, "b1", "/readyz")[0])
        said = json.loads(ask(system, "b1", "/health")[1])
        self.assertIn("no worker", said["checks"]["capability.echo"]["error"])
        code, standard = ask(system, "b1", "/health", "-H", f"Accept: {STANDARD}")
        self.assertEqual((200, "warn"), (code, json.loads(standard)["status"]))
        self.assertIn("no worker", json.loads(standard)["checks"]["capability.echo"][0]["output"])

    def test_a_database_that_is_refused_is_named(self):
        system = self.shop()
        system.data.mkdir()
        (system.data / "notes.db").write_bytes(os.urandom(8192))
        system.broker()
        system.worker()
        said = json.loads(self.await_status(503, system, "n1", "/health"))
        self.assertIn("notes.db", said["checks"]["database.notes"]["error"])
        self.assertEqual("healthy", said["checks"]["capability.echo"]["status"])
        self.assertEqual(200, ask(system, "n1", "/readyz")[0], "echo is served all the same")

    def test_a_loop_that_hangs_is_not_live(self):
        system = self.shop()
        broker = system.broker(faults="broker.draining=hang")
        worker = system.worker(faults="worker.replies_sent=hang")
        self.assertEqual(200, ask(system, "b1", "/livez")[0])
        system.client().send("echo", "echo", {"payload": "x"})
        broker.signal(signal.SIGTERM)
        for node in ("b1", "n1"):
            self.assertIn("did not answer", self.await_status(503, system, node, "/livez"))
            self.assertEqual(503, ask(system, node, "/readyz")[0])
            self.assertIn("loop", json.loads(ask(system, node, "/health")[1])["checks"])
        self.assertIsNone(worker.child.poll())

    def test_a_handler_that_hangs_makes_its_worker_not_live_before_the_watchdog_ends_it(self):
        system = self.shop(capabilities={
            "echo": "{actor: echo, store: none}", "faulty": "{turn_limit: 10s}"})
        system.broker()
        worker = system.worker()
        self.await_status(200, system, "n1", "/health")
        system.client().send("faulty", "hang", {"text": "for ever"}, ttl=60_000)
        until = time.monotonic() + 30
        while (said := ask(system, "n1", "/livez"))[0] == 200:
            self.assertLess(time.monotonic(), until)
        self.assertEqual(503, said[0])
        self.assertIn("`faulty`: a handler or commit has run for", said[1])
        self.assertIsNone(worker.child.poll(), "the watchdog has half of its time left")
        checks = json.loads(ask(system, "n1", "/health")[1])["checks"]
        self.assertIn("the watchdog ends", checks["capability.faulty"]["error"])
        self.assertGreater(checks["capability.faulty"]["responseTime"], 1000)
        self.assertLess(checks["capability.echo"]["responseTime"], 1000)
        self.assertNotIn("error", checks["capability.echo"])

    def test_a_frozen_process_is_not_live_and_is_again_when_it_wakes(self):
        system = self.shop()
        broker = system.broker()
        broker.freeze()
        self.assertEqual(0, ask(system, "b1", "/livez", within=1.5)[0])
        broker.thaw()
        self.await_status(200, system, "b1", "/livez")

    def test_many_who_ask_ask_the_loop_once_a_second(self):
        system = self.shop()
        system.broker()
        times = {json.loads(ask(system, "b1", "/health")[1])["checks"]["journal"]["responseTime"]
                 for _ in range(20)}
        self.assertLess(len(times), 10, "most are told what the first one was")

    def test_what_is_asked_wrongly_is_refused(self):
        system = self.shop()
        system.broker()
        self.assertEqual(404, ask(system, "b1", "/")[0])
        self.assertEqual(404, ask(system, "b1", "/health/b1")[0])
        self.assertEqual(405, ask(system, "b1", "/health", "-d", "x")[0])
        self.assertEqual(421, ask(system, "b1", "/health", "-H", "Host: evil.example")[0])
        probe = ("--http1.0", "-H", "Host:")  # As load balancers ask.
        self.assertEqual(200, ask(system, "b1", "/livez", *probe)[0])

    def test_an_admin_address_that_is_taken_ends_the_node(self):
        system = self.shop()
        system.broker()
        with socket.create_server(("127.0.0.1", int(system.admin["n1"].rpartition(":")[2]))):
            worker = system.worker(joined=False)
            self.assertEqual(69, worker.await_end())
            self.assertIn("cannot listen", worker.wait_for("worker.not_started")["reason"])


class ExitCode(SystemTest):
    def status(self, system: System) -> int:
        return subprocess.run(
            [str(BIN / "troupe"), "status", str(system.file), "--exit-code", "--deadline", "500ms"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False).returncode

    def await_code(self, wanted: int, system: System) -> None:
        until = time.monotonic() + PATIENCE
        while (code := self.status(system)) != wanted:
            self.assertLess(time.monotonic(), until, f"status ends with {code}")

    def test_status_ends_with_how_the_system_is(self):
        system = self.system(nodes=("n1",))
        self.assertEqual(2, self.status(system))
        broker = system.broker()
        self.assertEqual(1, self.status(system))
        worker = system.worker()
        self.await_code(0, system)
        worker.kill()
        self.await_code(1, system)
        broker.kill()
        self.assertEqual(2, self.status(system))
        system.file.write_text("troupe: 1")
        self.assertEqual(2, self.status(system))


class ServiceManager(SystemTest):
    """A socket in the place of systemd's."""

    def setUp(self):
        self.manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(self.manager.close)
        name = f"troupe-test-{os.getpid()}-{id(self)}"
        self.manager.bind("\0" + name)
        self.environment = {"NOTIFY_SOCKET": "@" + name}

    def hear(self, within: float = PATIENCE) -> str:
        self.manager.settimeout(within)
        return self.manager.recv(1000).decode()

    def test_a_node_is_ready_once_it_is_and_says_when_it_stops(self):
        system = self.system(nodes=("n1",))
        worker = system.worker(joined=False, environment=self.environment)
        worker.wait_for("worker.started")
        with self.assertRaises(TimeoutError):
            self.hear(0.3)  # There is no broker yet.
        broker = system.broker()
        self.assertEqual("READY=1", self.hear())
        worker.signal(signal.SIGTERM)
        self.assertEqual("STOPPING=1", self.hear())
        self.assertEqual(0, worker.await_end())
        broker.signal(signal.SIGTERM)
        self.assertEqual(0, broker.await_end())

    def test_the_watchdog_hears_of_a_loop_that_answers_alone(self):
        system = self.system(nodes=("n1",))
        watched = {**self.environment, "WATCHDOG_USEC": "200000"}
        broker = system.broker(environment=watched, faults="broker.draining=hang")
        heard = [self.hear() for _ in range(5)]
        self.assertEqual({"READY=1", "WATCHDOG=1"}, set(heard))
        broker.signal(signal.SIGTERM)
        while (last := self.hear()) != "STOPPING=1":
            self.assertEqual("WATCHDOG=1", last)
        with self.assertRaises(TimeoutError):
            while self.hear(1.0) == "WATCHDOG=1":
                pass


if __name__ == "__main__":
    if shutil.which("curl") is None:
        print("skipped: there is no curl", file=sys.stderr)
        sys.exit(SKIPPED)
    unittest.main()
