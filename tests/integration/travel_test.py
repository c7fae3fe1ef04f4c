"""examples/travel: trips that wait for a person while the workers are killed."""

import json
import os
import pathlib
import re
import signal
import subprocess
import tempfile
import time
import unittest

import harness
from harness import PATIENCE, SOURCE

PROGRAMS = harness.BIN.parent / "examples" / "travel" / "bin"
TOPOLOGY = SOURCE / "examples" / "travel" / "travel.yaml"
KINDS = ("flights", "hotels", "cars")
REFUSED = 3


class Travel(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.file = pathlib.Path(folder.name) / "travel.yaml"
        self.file.write_text(re.sub(
            r"127\.0\.0\.1:\d+", f"127.0.0.1:{harness.free_port()}", TOPOLOGY.read_text()))
        self.up = subprocess.Popen([str(PROGRAMS / "troupe"), "up", str(self.file), "--json"],
                                   stdout=subprocess.DEVNULL)
        self.addCleanup(self.stop)

    def stop(self):
        self.up.terminate()
        self.assertEqual(0, self.up.wait(2 * PATIENCE))

    def words(self, *words: str) -> list[str]:
        return [str(PROGRAMS / "troupe"), *words, "--json"]

    def call(self, operation: str, code: int = 0, **body: object) -> dict:
        done = subprocess.run(
            self.words("call", str(self.file), operation, json.dumps(body), "--deadline", "30s"),
            capture_output=True, text=True, timeout=4 * PATIENCE, check=False)
        self.assertEqual(code, done.returncode, done.stdout + done.stderr)
        return json.loads(done.stdout)

    def book(self, traveller: str) -> subprocess.Popen:
        booking = subprocess.Popen(
            self.words("call", str(self.file), "trips.book", json.dumps(
                {"traveller": traveller, "to": "rome", "car": True}), "--deadline", "100s"),
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.addCleanup(booking.stdout.close)
        self.addCleanup(booking.wait)
        self.addCleanup(booking.kill)
        return booking

    def waiting(self) -> set[str]:
        done = subprocess.run(
            self.words("sagas", "list", str(self.file), "--step", "approval", "--state", "forward",
                       "--deadline", "5s"),
            capture_output=True, text=True, timeout=2 * PATIENCE, check=False)
        return {line["id"] for line in map(json.loads, done.stdout.splitlines()) if "id" in line}

    def await_waiting(self, count: int) -> set[str]:
        until = time.monotonic() + 3 * PATIENCE
        while len(found := self.waiting()) < count:
            self.assertLess(time.monotonic(), until, f"{len(found)} of {count} trips wait")
        return found

    def kill_workers(self) -> None:
        """`troupe up` starts them again."""
        children = pathlib.Path(f"/proc/{self.up.pid}/task/{self.up.pid}/children").read_text()
        for pid in map(int, children.split()):
            name = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[0]
            if name.endswith(b"troupe-worker"):
                os.kill(pid, signal.SIGKILL)

    def left(self) -> list[int]:
        return [self.call(f"{kind}.get", to="rome")["count"] for kind in KINDS]

    def test_trips_outlive_their_workers_and_end_as_the_person_says(self):
        for kind in KINDS:
            self.call(f"{kind}.open", to="rome", count=2, cents=1000)
        booking = self.book("ada")
        trip, = self.await_waiting(1)
        self.assertEqual([1, 1, 1], self.left())
        self.kill_workers()

        self.assertEqual({trip}, self.await_waiting(1))
        self.call("trips.approve", trip=trip, approved=True, who="ann")
        self.call("trips.approve", code=REFUSED, trip=trip, approved=False, who="bob")

        said = json.loads(booking.communicate(timeout=4 * PATIENCE)[0])
        self.assertEqual((trip, 3000), (said["trip"], said["cents"]))
        self.assertEqual([1, 1, 1], self.left())

        declined = self.book("eve")
        other, = self.await_waiting(1)
        self.call("trips.approve", trip=other, approved=False, who="ann")
        self.kill_workers()
        self.assertIn("declined", declined.communicate(timeout=4 * PATIENCE)[0])
        self.assertEqual(REFUSED, declined.returncode)
        self.assertEqual([1, 1, 1], self.left())

        # A trip that is booked is undone as a step of another saga would be; twice is once.
        for _ in range(2):
            self.assertEqual(trip, self.call("trips.cancel", saga=trip)["saga"])
        self.assertEqual([2, 2, 2], self.left())


if __name__ == "__main__":
    unittest.main()
