"""The demo itself, small: a worker killed, then the broker; every order answered, the books good."""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

SOURCE = pathlib.Path(os.environ.get("TROUPE_SOURCE", pathlib.Path(__file__).parents[2]))
BIN = pathlib.Path(os.environ.get("TROUPE_BIN", SOURCE / "build" / "dev" / "bin"))


class Demo(unittest.TestCase):
    def demo(self, *words: str) -> dict:
        with tempfile.TemporaryDirectory() as folder:
            figures = pathlib.Path(folder) / "figures.json"
            done = subprocess.run(
                [sys.executable, str(SOURCE / "examples" / "shop" / "demo.py"), "--bin", str(BIN),
                 "--json", str(figures), *words],
                capture_output=True, text=True, check=False)
            self.assertEqual(0, done.returncode, done.stdout + done.stderr)
            return json.loads(figures.read_text())

    def assert_good(self, figures: dict, orders: int, kind: str) -> None:
        self.assertTrue(figures["good"], figures["trouble"])
        self.assertEqual(orders, figures["check"]["counts"]["acknowledged"])
        self.assertGreater(figures["load"]["confirmed"], 0)
        self.assertGreater(len(figures["load"]["rejected"]), 0)
        self.assertEqual([kind], [kill["kind"] for kill in figures["kills"]])
        self.assertEqual(1, figures["restarts"])

    def test_a_worker_is_killed(self) -> None:
        figures = self.demo("--orders", "400", "--rate", "300", "--kill", "worker")
        self.assert_good(figures, 400, "worker")

    def test_the_broker_is_killed(self) -> None:
        figures = self.demo("--orders", "400", "--rate", "300", "--kill", "broker")
        self.assert_good(figures, 400, "broker")

    def test_nobody_is_killed(self) -> None:
        figures = self.demo("--orders", "100", "--rate", "0", "--kill", "none")
        self.assertEqual([], figures["kills"])


if __name__ == "__main__":
    unittest.main()
