#!/usr/bin/python3
"""What one who looks at the page costs the shop, in processor time.

    viewer.py --bin DIR [--orders 50000] [--rate 0] [--pairs 6] [--seconds 10] [--json FILE]

Orders are placed, then no more, or at a steady rate, beside which differences of 1 % are lost in what the
machine does. Of two stretches one has a viewer, who asks for `/ui/state` each second as an open page does; the
processor time of all nodes is compared, pair by pair, and which of the two comes first alternates.

Exit status: 0 the bar is met (1 % of one processor for all nodes together); 1 it is missed; 2 it could not be run.
"""

import argparse
import json
import pathlib
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request

SHOP = pathlib.Path(__file__).resolve().parents[2] / "examples" / "shop"
sys.path.insert(0, str(SHOP))

from demo import READY_SECONDS  # noqa: E402
from shop_nodes import DemoError, Nodes, write_topology  # noqa: E402

SHARE_MAX = 0.01
# The page's, in page.js.
INTERVAL_SECONDS = 1.0
# What the page had opened is closed 10 s after nobody asks.
LEAVES_SECONDS = 11.0


def processor_seconds(pid: int) -> float:
    """Of all threads that run; to the nanosecond, where `stat` counts in ticks of 10 ms."""
    return sum(int(each.read_text().split()[0]) for each in pathlib.Path(f"/proc/{pid}/task").glob("*/schedstat")) / 1e9


class Shop:
    def __init__(self, programs: pathlib.Path, folder: pathlib.Path) -> None:
        topology, brokers = write_topology(SHOP / "shop.yaml", folder)
        self.page = re.search(r'listen: "(http://127\.0\.0\.1:\d+)"', topology.read_text())[1] + "/ui/state"
        self._nodes = Nodes(programs, topology)
        self._nodes.wait_until_ready(READY_SECONDS)
        self._at = [word for each in brokers for word in ("--broker", each)]
        self._client: subprocess.Popen | None = None
        subprocess.run([programs / "shop-place-orders", "--stock", SHOP / "stock.json", *self._at], check=True,
                       stdout=subprocess.DEVNULL)
        self._place = [programs / "shop-place-orders", "--orders", SHOP / "orders.jsonl", "--outstanding", "64", "--log",
                       folder / "client.log", *self._at]

    def place(self, orders: int) -> None:
        subprocess.run([*self._place, "--count", str(orders)], check=True, stdout=subprocess.DEVNULL)

    def place_on(self, rate: float) -> None:
        self._client = subprocess.Popen([*self._place, "--count", "1000000000", "--rate", str(rate)],
                                        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)

    def used(self) -> dict[str, float]:
        """Seconds of processor time that each node has used."""
        return {name: processor_seconds(self._nodes.process_of(name))
                for kind in ("broker", "worker", "gateway") for name in self._nodes.names(kind)}

    def stop(self) -> None:
        if self._client:
            self._client.kill()
            self._client.wait()
        self._nodes.stop()


def stretch(shop: Shop, seconds: float, is_viewed: bool, pause: threading.Event) -> dict[str, float]:
    """Processors that each node uses meanwhile."""
    before, began = shop.used(), time.monotonic()
    if is_viewed:
        for looks in range(1, int(seconds / INTERVAL_SECONDS) + 1):
            with urllib.request.urlopen(shop.page, timeout=5) as answer:
                json.load(answer)
            pause.wait(max(0.0, began + looks * INTERVAL_SECONDS - time.monotonic()))
    else:
        pause.wait(seconds)
    after, took = shop.used(), time.monotonic() - began
    return {name: (after[name] - before[name]) / took for name in before}


def run(given: argparse.Namespace, folder: pathlib.Path) -> dict[str, list[float]]:
    """How much more each node uses with a viewer, in each pair."""
    shop, pause = Shop(given.bin, folder), threading.Event()
    more: dict[str, list[float]] = {}
    try:
        shop.place(given.orders)
        if given.rate:
            shop.place_on(given.rate)
        pause.wait(LEAVES_SECONDS)
        for pair in range(given.pairs):
            found = {}
            for is_viewed in (pair % 2 == 0, pair % 2 == 1):
                found[is_viewed] = stretch(shop, given.seconds, is_viewed, pause)
                if is_viewed:
                    pause.wait(LEAVES_SECONDS)
            for name, with_it in found[True].items():
                more.setdefault(name, []).append(with_it - found[False][name])
            base, seen = (sum(found[each].values()) for each in (False, True))
            more.setdefault("all", []).append(seen - base)
            print(f"  pair {pair + 1}: {100 * base:.2f} % of a processor without a viewer, {100 * seen:.2f} % with one", flush=True)
    finally:
        shop.stop()
    return more


def main(words: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--bin", type=lambda word: pathlib.Path(word).absolute(), required=True, help="folder of the programs")
    add("--orders", type=int, default=50_000, help="how many before (default 50000)")
    add("--rate", type=float, default=0.0, help="orders a second meanwhile (default none)")
    add("--pairs", type=int, default=6, help="how many (default 6)")
    add("--seconds", type=float, default=10.0, help="of a stretch (default 10)")
    add("--json", type=pathlib.Path, metavar="FILE", help="write what each node uses more there")
    given = parser.parse_args(words)
    folder = pathlib.Path(tempfile.mkdtemp(prefix="troupe-viewer-"))
    try:
        more = run(given, folder)
    except (DemoError, OSError, urllib.error.URLError, subprocess.CalledProcessError) as fault:
        print(f"viewer: {fault}\n  databases and logs: {folder}", file=sys.stderr)
        return 2
    shutil.rmtree(folder)
    medians = {name: statistics.median(values) for name, values in more.items()}
    for name, value in sorted(medians.items()):
        print(f"  {name:<8} {100 * value:+6.2f} % of a processor")
    if given.json:
        given.json.write_text(json.dumps(medians) + "\n")
    if medians["all"] > SHARE_MAX:
        print(f"  MISSED  a viewer costs {100 * medians['all']:.2f} % of a processor, the bar is {100 * SHARE_MAX:.0f} %")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
