"""Peers that hold a gateway's connections by being slow, as slowhttptest makes them: others are served meanwhile."""

import contextlib
import http.client
import re
import shutil
import subprocess
import sys
import time
import unittest

from gateway_systems import JSON, GatewayTest
from harness import PATIENCE

SKIPPED = 77
CONNECTIONS = 1_000
SECONDS = 6
# What a quiet request may take at most beside them: a machine may be busy with other things.
WORST = 0.25

ROUTES = """
GET /calm: {call: calm.ask_echo, deadline: 30s}
POST /calm: {call: calm.echo, deadline: 30s}
"""
WAYS = {"heads": ["-H", "-i", "1"],
        "bodies": ["-B", "-i", "1", "-s", "8192", "-f", "application/json"],
        "readers": ["-X", "-k", "3", "-w", "8", "-y", "16", "-n", "1", "-z", "8"]}


class Good:
    """A client that asks one thing after another on a connection that is kept."""

    def __init__(self, port: int):
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2 * PATIENCE)

    def ask(self) -> float:
        """How long an answer takes, in seconds."""
        begun = time.monotonic()
        self._connection.request("POST", "/calm", '{"text": "a"}', JSON)
        answer = self._connection.getresponse()
        answer.read()
        assert answer.status == 200, answer.status
        return time.monotonic() - begun

    def close(self) -> None:
        self._connection.close()


def p99(times: list[float]) -> float:
    return sorted(times)[int(len(times) * 0.99)]


class SlowPeers(GatewayTest):
    def test_good_clients_are_served_beside_slow_ones(self):
        system, gateway = self.served({"calm": "{actor: faulty, replicas: 2}"}, ROUTES)
        system.broker()
        system.worker()
        self.start(system)
        with contextlib.closing(Good(gateway.port)) as good:
            alone = p99([good.ask() for _ in range(500)])
            for way, words in WAYS.items():
                slow = subprocess.Popen(
                    ["slowhttptest", "-c", str(CONNECTIONS), "-r", "500", "-l", str(SECONDS), "-p", "5", *words,
                     "-u", f"http://127.0.0.1:{gateway.port}/calm?text=a"],
                    stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
                times = []
                while slow.poll() is None:
                    times.append(good.ask())
                said = re.sub(r"\x1b\[[0-9;]*m", "", slow.communicate()[0])
                report = said[said.rfind("slow HTTP test status"):]
                beside = p99(times)
                print(f"{way}: p99 {alone * 1e3:.1f} ms alone, {beside * 1e3:.1f} ms beside", file=sys.stderr)
                self.assertLess(beside, max(WORST, 5 * alone), way)
                self.assertIn("service available:   YES", report, said[-1000:])


if __name__ == "__main__":
    if shutil.which("slowhttptest") is None:
        print("skipped: slowhttptest is not installed", file=sys.stderr)
        sys.exit(SKIPPED)
    unittest.main()
