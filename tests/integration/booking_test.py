"""examples/booking: a saga with its participants and an effect, run as its README says."""

import json
import pathlib
import re
import subprocess
import tempfile
import time
import unittest

import harness
from harness import PATIENCE, SOURCE

PROGRAMS = harness.BIN.parent / "examples" / "booking" / "bin"
TOPOLOGY = SOURCE / "examples" / "booking" / "booking.yaml"


class Booking(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.file = self.folder / "booking.yaml"
        self.file.write_text(re.sub(
            r"127\.0\.0\.1:\d+", f"127.0.0.1:{harness.free_port()}", TOPOLOGY.read_text()))
        self.up = subprocess.Popen([str(PROGRAMS / "troupe"), "up", str(self.file), "--json"],
                                   stdout=subprocess.DEVNULL)
        self.addCleanup(self.stop)

    def stop(self):
        self.up.terminate()
        self.assertEqual(0, self.up.wait(2 * PATIENCE))

    def call(self, operation: str, code: int = 0, **body: object) -> dict:
        done = subprocess.run(
            [str(PROGRAMS / "troupe"), "call", str(self.file), operation, json.dumps(body), "--json",
             "--deadline", "15s"], capture_output=True, text=True, timeout=4 * PATIENCE, check=False)
        self.assertEqual(code, done.returncode, done.stdout + done.stderr)
        return json.loads(done.stdout)

    def test_a_booking_is_paid_and_told_or_leaves_nothing(self):
        self.call("tickets.open", show="hamlet", seats=10, cents=1200)
        self.call("wallet.put", customer="ada", cents=5000)
        self.assertEqual(2400, self.call("booking.book", customer="ada", show="hamlet", seats=2)["cents"])

        refused = self.call("booking.book", code=3, customer="ada", show="hamlet", seats=3)
        self.assertIn("too_little_money", json.dumps(refused))
        self.assertEqual(8, self.call("tickets.get", name="hamlet")["count"])
        self.assertEqual(2600, self.call("wallet.get", name="ada")["cents"])

        until = time.monotonic() + 2 * PATIENCE
        receipts = self.folder / "data" / "receipts"
        while not (found := list(receipts.glob("*.txt"))):
            self.assertLess(time.monotonic(), until, "no receipt was written")
            self.call("statistics.get", name="hamlet")
        self.assertEqual("ada paid 2400 cents for hamlet\n", found[0].read_text())
        self.assertEqual({"count": 1, "cents": 2400}, self.call("statistics.get", name="hamlet"))


if __name__ == "__main__":
    unittest.main()
