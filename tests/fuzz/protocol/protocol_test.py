"""Peers that lie, and a good client beside them, whose calls all succeed, and soon; the broker's memory stays.

`./dev fuzz protocol --minutes N` runs it for longer. Slices with and without liars take turns, so that the other
work of the machine is in both, and each pair of neighbours gives a ratio.

Always asserted: every call of the good client, its notes and its events; that all processes live; memory. Its p99
is compared in the slices in which the machine did the least else, a tenth of each kind: beside liars 1.2 times that
without them in a run of five minutes or more, and in a short one ten times, by these slices or by all.
"""

import argparse
import json
import os
import pathlib
import re
import signal
import statistics
import subprocess
import sys
import time
import unittest

import msgpack
import zmq

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent.parent / "integration"))
from harness import BIN, PATIENCE, Client, Process, Reply, System, SystemTest, new_id  # noqa: E402

CAPABILITIES = {
    "echo": "{actor: echo, replicas: 2, store: none, nodes: [n1, n2]}",
    # Each event becomes a note, and the event `noted`, which leaves by the outbox.
    "notes": "{actor: notes, replicas: 2, nodes: [n1, n2], subscribes: [note.*], config: {tell: true}}",
    "decoy": "{actor: echo, store: none, nodes: [f1, f2]}",
    "diary": "{actor: notes, nodes: [f1, f2], subscribes: [note.*]}",
}
SLICE_SECONDS = 0.5
# The good client's calls between two of its notes.
ECHOES = 20
WARM_UP = 0.25
GROWTH_MB_MAX = 24
RATIO_MAX, RATIO_MAX_LONG = 10.0, 1.2
LONG_SECONDS = 300


class Wanted:
    seconds, seed = 15.0, 20261129


def memory_mb(pid: int, what: str = "VmRSS") -> float:
    text = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(re.search(rf"{what}:\s+(\d+)", text)[1]) / 1024


def is_sanitized(pid: int) -> bool:
    """Whether its figures are another program's: a sanitizer's shadow takes terabytes of addresses."""
    return memory_mb(pid, "VmSize") > 1_000_000


def p99(times: list[float]) -> float:
    return sorted(times)[len(times) * 99 // 100]


def calm(times: list[float]) -> float:
    """The tenth part from below: of slices that the machine did little else in."""
    return sorted(times)[len(times) // 10]


def cpu_seconds(pid: int) -> float:
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Liars:
    def __init__(self, system: System, plan: int):
        self.child = subprocess.Popen(
            [sys.executable, "-B", str(HERE / "attackers.py"), "--endpoint", system.endpoints["b1"],
             "--plan", str(plan), "--seed", str(Wanted.seed)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def lie(self, seconds: float) -> None:
        self.child.stdin.write(f"{seconds}\n")
        self.child.stdin.flush()

    def await_end(self) -> dict:
        line = self.child.stdout.readline()
        if not line:
            raise AssertionError(f"the liars ended with {self.child.wait()}")
        return json.loads(line)

    def close(self) -> None:
        self.child.stdin.close()
        self.child.wait(PATIENCE)
        self.child.stdout.close()


class GoodClient(Client):
    """Asks again under the same id when its own link was cut, or the broker says that it stood still, as happens on a
    crowded machine; any other silence is a fault."""

    def __init__(self, system: System, broker: Process):
        super().__init__(system.context, system.endpoints["b1"])
        self._cuts = self.socket.get_monitor_socket(zmq.EVENT_DISCONNECTED)
        self._broker = broker
        self._excused = self._cut = 0
        self.again = 0

    def close(self) -> None:
        self.socket.disable_monitor()
        self._cuts.close(linger=0)
        super().close()

    def _is_excused(self) -> bool:
        while self._cuts.poll(0):
            self._cuts.recv_multipart()
            self._cut += 1
        before, self._excused = self._excused, self._cut + len(self._broker.find("stood_still"))
        return self._excused > before

    def ask(self, to: str, op: str, body: dict) -> Reply:
        """@return the answer, which is good."""
        call_id, until = new_id(), time.monotonic() + PATIENCE
        self.send(to, op, body, call_id=call_id, ttl=round(PATIENCE * 1000))
        while not (found := self.collect([call_id], 0.5)) and time.monotonic() < until:
            if self._is_excused():
                self.again += 1
                self.send(to, op, body, call_id=call_id, ttl=round(PATIENCE * 1000))
        self.answers.clear()
        if not found or not found[call_id].ok:
            raise AssertionError(f"{to}.{op}: {found.get(call_id, 'no answer')}; the broker's end: "
                                 f"{self._broker.child.poll()} {self._broker.lines[-2:]}")
        return found[call_id]


class Protocol(SystemTest):
    def good_slice(self, client: GoodClient, seconds: float) -> list[float]:
        """Calls one after another. @return how long each echo took."""
        took: list[float] = []
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if len(took) % ECHOES == 0:
                client.ask("notes", "add", {"text": "good"})
                text = f"good {len(self.published)}"
                client.ask("troupe.publish", "note.good", {"text": text})
                self.published.add(text)
            began = time.monotonic()
            client.ask("echo", "echo", {"payload": "good"})
            took.append(time.monotonic() - began)
        self.called += len(took)
        return took

    def test_liars_disturb_nobody(self):
        print(f"seed {Wanted.seed}", flush=True)
        system = self.system(CAPABILITIES, nodes=("n1", "n2", "f1", "f2"))
        broker = system.broker()
        workers = [system.worker(node) for node in ("n1", "n2")]
        checked = subprocess.run([str(BIN / "troupe"), "check", str(system.file)], capture_output=True, text=True,
                                 check=True)
        plan = int(re.search(r"digest ([0-9a-f]{16})", checked.stdout)[1], 16)
        client = GoodClient(system, broker)
        self.addCleanup(client.close)
        liars = Liars(system, plan)
        self.addCleanup(liars.close)
        self.published, self.called = set(), 0
        self.good_slice(client, SLICE_SECONDS)
        quiet, loud, said, settled, cpu = [], [], {}, 0.0, 0.0
        began = time.monotonic()
        while (elapsed := time.monotonic() - began) < Wanted.seconds:
            cpu_before = cpu_seconds(broker.pid)
            quiet.append(p99(self.good_slice(client, SLICE_SECONDS)))
            liars.lie(SLICE_SECONDS)
            cpu_between = cpu_seconds(broker.pid)
            loud.append(p99(self.good_slice(client, SLICE_SECONDS)))
            for what, count in liars.await_end().items():
                said[what] = said.get(what, 0) + count
            cpu += cpu_seconds(broker.pid) - 2 * cpu_between + cpu_before
            if settled == 0.0 and elapsed > Wanted.seconds * WARM_UP:
                settled = memory_mb(broker.pid)
        grown = memory_mb(broker.pid) - settled
        ratio = statistics.median(beside / before for beside, before in zip(loud, quiet))
        calm_ratio = calm(loud) / calm(quiet)
        print(f"{said['said']:,} envelopes said, {said['heard']:,} heard, {cpu / said['said'] * 1e6:.0f} us of the "
              f"broker's each; {self.called:,} good calls, {client.again} asked again; p99 {calm(quiet) * 1e3:.2f} to "
              f"{statistics.median(quiet) * 1e3:.2f} ms, beside liars {calm(loud) * 1e3:.2f} to "
              f"{statistics.median(loud) * 1e3:.2f} ms: {calm_ratio:.2f} and {ratio:.2f} times as long (calm slices, "
              f"median of pairs); memory {settled:.0f} MB after the warm-up, {grown:+.1f} MB then", flush=True)
        print({name: count for name, count in system.status(client)["counters"].items() if count}, flush=True)

        for each in (broker, *workers):
            self.assertIsNone(each.child.poll(), "a process has ended")
        self.assertGreater(said["said"], 20 * Wanted.seconds, "the liars came to nothing")
        if not is_sanitized(broker.pid):
            self.assertLess(grown, GROWTH_MB_MAX)
            if Wanted.seconds >= LONG_SECONDS:
                self.assertLess(calm_ratio, RATIO_MAX_LONG)
            self.assertLess(min(calm_ratio, ratio), RATIO_MAX)  # Neither alone is much of so few slices.
        self.await_noted(client)
        broker.signal(signal.SIGTERM)
        self.assertEqual(0, broker.await_end())
        system.broker()  # What the liars have left on disk is read again.
        self.good_slice(client, SLICE_SECONDS)
        self.await_noted(client)

    def await_noted(self, client: GoodClient) -> None:
        """Reads the journal until each event of the good client has become a note."""
        waiting, after, until = set(self.published), 0, time.monotonic() + 4 * PATIENCE
        while waiting and time.monotonic() < until:
            page = client.ask("troupe.events", "read", {"patterns": ["noted"], "after": after, "count": 1_000,
                                                        "wait_ms": 1_000}).body
            waiting -= {msgpack.unpackb(each["body"])["text"] for each in page["events"]}
            after = page["next"]
        self.assertEqual(set(), waiting, f"of {len(self.published)} events of the good client")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=Wanted.seconds)
    parser.add_argument("--seed", type=int, default=Wanted.seed)
    parser.parse_args(namespace=Wanted)
    unittest.main(argv=sys.argv[:1])
