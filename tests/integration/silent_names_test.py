"""A legacy system whose name no server of names tells: the others are asked as ever, and a gateway ends."""

import contextlib
import os
import signal
import socket
import tempfile
import threading
import time

import namespaces
from gateway_systems import GatewayTest
from harness import PATIENCE

# What a request to a legacy system may take. The resolver goes on for twenty seconds.
DEADLINE = 1.0
RESOLVER = "nameserver 127.0.0.1\noptions timeout:10 attempts:2\n"
# The feature that is asked has to answer while the other's lookups are over their time.
UNHINDERED = 0.5


class OldShop(threading.Thread):
    """Answers each request on a connection of its own, until it is closed."""

    def __init__(self):
        super().__init__(daemon=True)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.start()

    def run(self):
        with contextlib.suppress(OSError):
            while True:
                link, _ = self.listener.accept()
                with link:
                    link.settimeout(PATIENCE)
                    link.recv(65536)
                    link.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")

    def close(self):
        self.listener.close()


class SilentNames(GatewayTest):
    def setUp(self):
        # Takes questions, so that none is refused, and answers none.
        self.names = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.names.bind(("127.0.0.1", 53))
        self.addCleanup(self.names.close)
        old = OldShop()
        self.addCleanup(old.close)
        features = "".join(
            f"  {name}: {{legacy: 'http://{at}', deadline: 1s, by: '{{header.x-user}}'}}\n"
            for name, at in (("lost", "old.shop.example:80"), ("there", f"127.0.0.1:{old.port}")))
        self.running, self.gateway = self.served(
            {"echo": "{actor: echo, store: none}"},
            "GET /lost: {call: echo.echo, strangler: lost}\nGET /there: {call: echo.echo, strangler: there}",
            more=f"strangler:\n{features}")
        self.running.broker()
        self.running.worker("n1")
        self.process = self.start(self.running)
        self.process.wait_for("flags.read")

    def test_other_systems_are_asked_and_it_stops_at_once(self):
        asked, answers = [], []

        def ask_lost():
            asked.append(time.monotonic())
            answers.append((self.gateway.ask("GET", "/lost"), time.monotonic() - asked[-1]))

        first = [threading.Thread(target=ask_lost) for _ in range(4)]
        for each in first:
            each.start()
        until = time.monotonic() + 4 * DEADLINE
        slowest = 0.0
        while time.monotonic() < until:  # Long before and after the deadline of those.
            began = time.monotonic()
            answer = self.gateway.ask("GET", "/there")
            self.assertEqual(200, answer.status, answer)
            slowest = max(slowest, time.monotonic() - began)
        for each in first:
            each.join()

        self.assertLess(slowest, UNHINDERED)
        self.assertEqual([504] * 4, [answer.status for answer, _ in answers])
        for answer, took in answers:
            self.assertEqual(("legacy_timeout", "none"), (answer.json["code"], answer.json["effect"]))
            self.assertLess(took, DEADLINE + UNHINDERED)
        # What looks names up in vain stays few.
        crowd = [threading.Thread(target=ask_lost) for _ in range(40)]
        for each in crowd:
            each.start()
        for each in crowd:
            each.join()
        threads = len(os.listdir(f"/proc/{self.process.pid}/task"))
        self.assertLess(threads, 40)
        self.assertIn("server of names", "".join(answer.json["detail"] for answer, _ in answers))

        began = time.monotonic()
        self.process.signal(signal.SIGTERM)
        self.assertEqual(0, self.process.await_end())
        self.assertLess(time.monotonic() - began, 5 * DEADLINE)


if __name__ == "__main__":
    with tempfile.NamedTemporaryFile("w", suffix=".conf", encoding="ascii") as names:
        names.write(RESOLVER)
        names.flush()
        namespaces.main(f"ip link set lo up && mount --bind {names.name} /etc/resolv.conf", network=True)
