#!/usr/bin/python3
"""How long the books of many orders take to compare, in what memory, and at which cost to running calls.

    reconciled.py --bin DIR [--orders 1000000] [--json FILE] [--keep]

A shop whose `orders` and `inventory` hold that many confirmed orders and their reservations is compared by
`troupe reconcile` and by its capability `reconciliation`: alone, and while orders are placed as fast as they
are answered. Then some reservations are lost, and exactly these must be found.

Exit status: 0 the bars are met (a pass within 60 s alone, 100 MB, 0.9x the rate of calls); 1 one is missed,
or a pass found something else; 2 it could not be run.
"""

import argparse
import contextlib
import dataclasses
import json
import os
import pathlib
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time

SHOP = pathlib.Path(__file__).resolve().parents[2] / "examples" / "shop"
sys.path.insert(0, str(SHOP))

from demo import READY_SECONDS  # noqa: E402
from shop_nodes import DemoError, Nodes, write_topology  # noqa: E402

INVARIANT = "confirmed_order_has_reservation"
SECONDS_MAX, MEGABYTES_MAX, RATE_LEAST = 60.0, 100.0, 0.9
PASS_SECONDS_MAX = 1_800
# Between two passes, and before the first one: what the rate during them is compared with.
IDLE_SECONDS = 10.0
LOST = 10
CENTS = 500
_BEGUN = int(time.time() * 1000) - 86_400_000


def order_id(number: int) -> bytes:
    """A UUIDv7 of a day ago; they rise."""
    return (_BEGUN + number // 1000).to_bytes(6, "big") + bytes([0x70 | number % 1000 >> 8, number % 1000 & 0xff,
                                                                 0x80]) + number.to_bytes(7, "big")


def fill(folder: pathlib.Path, orders: int) -> None:
    """Writes confirmed orders and their reservations, as the shop would have them a day later."""
    with contextlib.closing(sqlite3.connect(folder / "orders.db")) as session, session:
        session.executemany(
            "INSERT INTO orders (order_id, customer, currency, state, amount_cents, payment_id, created_at) "
            f"VALUES (?, 'customer', 'EUR', 'confirmed', {CENTS}, ?, {_BEGUN})",
            ((order_id(i), order_id(i)) for i in range(orders)))
    with contextlib.closing(sqlite3.connect(folder / "inventory.db")) as session, session:
        session.executemany(
            "INSERT INTO reservations (order_id, sku, quantity, price_cents, state) "
            f"VALUES (?, 'tea-blue', 1, {CENTS}, 'held')",
            ((order_id(i),) for i in range(orders)))


class Calls:
    """A client that places orders as fast as they are answered, and how many were by when."""

    def __init__(self, programs: pathlib.Path, brokers: list[str], folder: pathlib.Path) -> None:
        self._process = subprocess.Popen(
            [programs / "shop-place-orders", "--orders", SHOP / "orders.jsonl", "--count", "1000000000",
             "--outstanding", "64", "--log", folder / "client.log",
             *(word for each in brokers for word in ("--broker", each))],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        self._changed = threading.Condition()
        self._seen: list[tuple[float, int]] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        for line in self._process.stdout:
            event = json.loads(line)
            with self._changed:
                self._seen.append((event["t_mono_us"] / 1e6, event["answered"]))
                self._changed.notify_all()

    def wait_until(self, moment: float) -> None:
        with self._changed:
            if not self._changed.wait_for(lambda: self._seen and self._seen[-1][0] >= moment,
                                          moment - time.monotonic() + 60):
                raise DemoError("the client that places orders hangs, or has ended")

    def rate(self, begin: float, end: float) -> float:
        """Orders answered in a second between two moments."""
        self.wait_until(end)
        within = [each for each in self._seen if begin <= each[0] <= end]
        (first, before), (last, after) = within[0], within[-1]
        return (after - before) / (last - first)

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()
        self._reader.join()


@dataclasses.dataclass
class Pass:
    by: str
    began: float
    ended: float
    judged: int
    megabytes: float
    found: list[str]
    beside: float | None = None  # The rate of calls, as a part of what it is without a pass.

    @property
    def seconds(self) -> float:
        return self.ended - self.began


class Shop:
    """The shop, and whoever compares its books."""

    def __init__(self, programs: pathlib.Path, folder: pathlib.Path) -> None:
        self.programs, self.folder = programs, folder
        self.topology, self.brokers = write_topology(SHOP / "shop.yaml", folder)
        text = self.topology.read_text()
        seldom = text.replace("every: 5m}", "every: 24h, settle: 30s}")
        if seldom == text:
            raise DemoError("shop.yaml does not say any more how often it is compared")
        self.topology.write_text(seldom)
        (folder / "data").mkdir()
        self.nodes = Nodes(programs, self.topology)
        self.nodes.wait_until_ready(READY_SECONDS)

    def restart_around(self, work) -> None:
        self.nodes.stop()
        work()
        self.nodes = Nodes(self.programs, self.topology)
        self.nodes.wait_until_ready(READY_SECONDS)

    def troupe(self, *words: str) -> str:
        done = subprocess.run([self.programs / "troupe", *words], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise DemoError(f"troupe {words[0]}: {done.stdout}{done.stderr}")
        return done.stdout

    def by_command(self) -> Pass:
        with (self.folder / "reconcile.json").open("w+") as said:
            began = time.monotonic()
            process = subprocess.Popen(
                [self.programs / "troupe", "reconcile", self.topology, self.folder / "invariants.yaml",
                 "--only", INVARIANT, "--json"], stdin=subprocess.DEVNULL, stdout=said)
            _, status, used = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            ended = time.monotonic()
            said.seek(0)
            lines = [json.loads(line) for line in said]
        if process.returncode not in (0, 1) or not lines or "judged" not in lines[-1]:
            raise DemoError(f"troupe reconcile ended with {process.returncode}: {lines}")
        return Pass("command", began, ended, lines[-1]["judged"], used.ru_maxrss / 1024,
                    sorted(each["key"] for each in lines if "key" in each))

    def _workers(self) -> list[int]:
        return [self.nodes.process_of(name) for name in self.nodes.names("worker")]

    def by_capability(self) -> Pass:
        def passes() -> dict:
            said = json.loads(self.troupe("call", str(self.topology), "reconciliation.passes", "{}", "--json"))
            said = said.get("reply", said)
            return next(each for each in said["passes"] if each["invariant"] == INVARIANT)

        before = passes()["compared_at"]
        workers = self._workers()
        rss = {pid: memory_of(pid, "VmRSS") for pid in workers}
        for pid in workers:
            pathlib.Path(f"/proc/{pid}/clear_refs").write_text("5")  # Its peak begins anew.
        began = time.monotonic()
        self.troupe("call", str(self.topology), "reconciliation.run", json.dumps({"invariant": INVARIANT}), "--json")
        pause = threading.Event()
        while passes()["compared_at"] == before:
            if time.monotonic() - began > PASS_SECONDS_MAX:
                raise DemoError(f"the capability did not finish its pass: {passes()}")
            pause.wait(0.2)
        ended = time.monotonic()
        grown = max(memory_of(pid, "VmHWM") - rss[pid] for pid in workers)
        cases = json.loads(self.troupe("call", str(self.topology), "reconciliation.cases",
                                       json.dumps({"invariant": INVARIANT, "count": 1000}), "--json"))
        cases = cases.get("reply", cases)["cases"]
        return Pass("capability", began, ended, passes()["judged"], grown, sorted(each["key"] for each in cases))

    def lose(self, orders: int) -> list[str]:
        """Deletes some reservations. Returns the orders that they were for."""
        lost = [order_id((2 * i + 1) * orders // (2 * LOST)) for i in range(LOST)]
        with contextlib.closing(sqlite3.connect(self.folder / "data" / "inventory.db", timeout=60)) as session:
            with session:
                session.executemany("DELETE FROM reservations WHERE order_id = ?", ((each,) for each in lost))
        return sorted(re.sub(r"(.{8})(.{4})(.{4})(.{4})(.{12})", r"\1-\2-\3-\4-\5", each.hex()) for each in lost)


def memory_of(pid: int, what: str) -> float:
    """In MB: VmRSS now, or VmHWM, its peak."""
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(re.search(rf"^{what}:\s+(\d+) kB", status, re.MULTILINE)[1]) / 1024


def say(one: Pass, where: str) -> None:
    beside = "" if one.beside is None else f"; calls at {one.beside:.2f}x of their rate"
    print(f"  {one.by:<10} {where:<12} {one.seconds:6.1f} s, {one.judged:,} keys judged, {one.megabytes:.0f} MB, "
          f"{len(one.found)} findings{beside}", flush=True)


def run(given: argparse.Namespace, folder: pathlib.Path) -> tuple[list[dict], list[str]]:
    print(f"writing {given.orders:,} orders and their reservations", flush=True)
    shop = Shop(given.bin, folder)
    records, trouble = [], []

    def keep(one: Pass, where: str, expected: list[str]) -> None:
        say(one, where)
        records.append({"bench": "reconcile", "system": one.by, "work": where, "orders": given.orders,
                        "seconds": round(one.seconds, 2), "megabytes": round(one.megabytes, 1),
                        "calls_beside": one.beside})
        if one.judged < given.orders or one.found != expected:
            trouble.append(f"{one.by}, {where}: {one.judged} keys were judged and {one.found} found, "
                           f"not {given.orders} and {expected}")
        if where == "alone" and one.seconds > SECONDS_MAX:
            trouble.append(f"{one.by}: a pass takes {one.seconds:.0f} s")
        if one.megabytes > MEGABYTES_MAX:
            trouble.append(f"{one.by}, {where}: {one.megabytes:.0f} MB")
        if one.beside is not None and one.beside < RATE_LEAST:
            trouble.append(f"{one.by}: calls have {one.beside:.2f}x of their rate beside it")

    try:
        shop.restart_around(lambda: fill(folder / "data", given.orders))
        ways = (shop.by_command, shop.by_capability)
        for way in ways:
            keep(way(), "alone", [])
        subprocess.run([given.bin / "shop-place-orders", "--stock", SHOP / "stock.json",
                        *(word for each in shop.brokers for word in ("--broker", each))],
                       check=True, stdout=subprocess.DEVNULL)
        calls = Calls(given.bin, shop.brokers, folder)
        try:
            # Idle, a pass, idle, a pass, idle: the rate falls as the books grow.
            idle_began = time.monotonic() + IDLE_SECONDS / 2
            calls.wait_until(idle_began + IDLE_SECONDS)
            before = calls.rate(idle_began, idle_began + IDLE_SECONDS)
            for way in ways:
                one = way()
                calls.wait_until(one.ended + IDLE_SECONDS + 1)
                after = calls.rate(one.ended + 1, one.ended + 1 + IDLE_SECONDS)
                one.beside = 2 * calls.rate(one.began, one.ended) / (before + after)
                keep(one, "beside calls", [])
                before = after
        finally:
            calls.stop()
        lost = shop.lose(given.orders)
        for way in ways:
            keep(way(), "damaged", lost)
    finally:
        shop.nodes.stop()
    return records, trouble


def main(words: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", type=lambda word: pathlib.Path(word).absolute(), required=True,
                        help="folder of the programs")
    parser.add_argument("--orders", type=int, default=1_000_000, help="how many (default 1000000)")
    parser.add_argument("--json", type=pathlib.Path, metavar="FILE", help="write one object per line there")
    parser.add_argument("--keep", action="store_true", help="keep the folder with databases and logs")
    given = parser.parse_args(words)
    folder = pathlib.Path(tempfile.mkdtemp(prefix="troupe-reconciled-"))
    try:
        records, trouble = run(given, folder)
    except (DemoError, OSError, subprocess.CalledProcessError) as fault:
        print(f"reconciled: {fault}\n  databases and logs: {folder}", file=sys.stderr)
        return 2
    if given.json:
        given.json.write_text("".join(json.dumps(each) + "\n" for each in records))
    for each in trouble:
        print(f"  MISSED  {each}")
    if given.keep or trouble:
        print(f"  databases and logs: {folder}")
    else:
        shutil.rmtree(folder)
    return 1 if trouble else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
