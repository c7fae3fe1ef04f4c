"""examples/points: programs of a project of its own, run as its README says."""

import json
import pathlib
import re
import subprocess
import tempfile
import time
import unittest

import harness
from harness import PATIENCE, SOURCE

PROGRAMS = harness.BIN.parent / "examples" / "points" / "bin"
TOPOLOGY = SOURCE / "examples" / "points" / "points.yaml"


def troupe(command: str, *words: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(PROGRAMS / "troupe"), command, *map(str, words)],
                          capture_output=True, text=True, timeout=2 * PATIENCE, check=False)


class Points(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.file = pathlib.Path(folder.name) / "points.yaml"
        self.file.write_text(re.sub(
            r"127\.0\.0\.1:\d+", f"127.0.0.1:{harness.free_port()}", TOPOLOGY.read_text()))
        self.up = subprocess.Popen([str(PROGRAMS / "troupe"), "up", str(self.file), "--json"],
                                   stdout=subprocess.DEVNULL)
        self.addCleanup(self.stop)

    def stop(self):
        self.up.terminate()
        self.assertEqual(0, self.up.wait(2 * PATIENCE))

    def call(self, operation: str, **body: object) -> dict:
        done = troupe("call", self.file, f"points.{operation}", json.dumps(body), "--json",
                      "--deadline", "15s")
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)
        return json.loads(done.stdout)

    def test_a_command_a_query_and_an_event(self):
        self.assertEqual(0, troupe("check", TOPOLOGY).returncode)
        self.assertEqual(30, self.call("add", customer="ada", points=30)["points"])

        order = {"customer": "ada", "amount_cents": 1250, "currency": "EUR", "items": []}
        told = troupe("publish", self.file, "order.confirmed", json.dumps(order), "--key", "1")
        self.assertEqual(0, told.returncode, told.stderr)

        until = time.monotonic() + PATIENCE
        while (has := self.call("get", customer="ada")["points"]) != 42:
            self.assertEqual(30, has)
            self.assertLess(time.monotonic(), until, "the event was not handled")

    def ask(self, *words: object) -> subprocess.CompletedProcess[str]:
        return subprocess.run([str(PROGRAMS / "points-ask"), *map(str, words)], capture_output=True, text=True,
                              timeout=2 * PATIENCE, check=False)

    def test_a_client_in_cpp(self):
        broker = re.search(r"tcp://[0-9.:]+", self.file.read_text())[0]
        told = self.ask(broker, "bob", 7)
        self.assertEqual((0, "bob has 7 points\n"), (told.returncode, told.stdout), told.stderr)
        refused = self.ask(broker, "bob", 0)
        self.assertEqual(4, refused.returncode)
        self.assertIn("nothing was done", refused.stderr)
        self.assertEqual(2, self.ask().returncode)


if __name__ == "__main__":
    unittest.main()
