#!/usr/bin/python3
"""Runs the example shop, places orders, kills nodes meanwhile, and checks the books afterwards.

Exit status: 0 every order was answered, no call failed, the books agree and the kills that were
asked for happened; 1 something of that does not hold; 2 the demo itself could not be run.
"""

import argparse
import dataclasses
import json
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time

from demo_report import (Kill, Screen, answer_times, measure_gaps, show_check, show_table)
from shop_nodes import DemoError, Nodes, write_topology

HERE = pathlib.Path(__file__).resolve().parent
CHECKER = HERE.parent.parent / "tests" / "chaos" / "checker.py"

# Fewer orders than this would be over before anything could be killed, so they are paced.
FULL_SPEED_ORDERS = 5_000
PACED_RATE = 500.0
READY_SECONDS = 30.0
QUIET_SECONDS = 60.0
# A client that says nothing for so long hangs: it gives an order up after 30 s.
SILENCE_SECONDS = 60.0


class Load:
    """The client that places orders, as a process; and how far it is."""

    def __init__(self, command: list[str]) -> None:
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True)
        self._changed = threading.Condition()
        self._answered = 0
        self._heard_at = time.monotonic()
        self.result: dict | None = None
        self.over = False
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            event = json.loads(line)
            with self._changed:
                self._heard_at = time.monotonic()
                self._answered = event.get("answered", self._answered)
                if event["event"] == "done":
                    self.result = event
                self._changed.notify_all()
        with self._changed:
            self.over = True
            self._changed.notify_all()

    @property
    def answered(self) -> int:
        with self._changed:
            return self._answered

    def wait(self, seconds: float, answered: int | None = None) -> bool:
        """Until so many are answered, or the load is over. False: neither, by then."""
        with self._changed:
            return self._changed.wait_for(
                lambda: self.over or (answered is not None and self._answered >= answered), seconds)

    def is_silent(self) -> bool:
        with self._changed:
            return time.monotonic() - self._heard_at > SILENCE_SECONDS

    def end(self) -> str:
        """Its complaints, if it ended with any."""
        if not self.over:
            self.process.kill()
        assert self.process.stderr is not None
        errors = self.process.stderr.read()
        self.process.wait()
        self._reader.join()
        return errors


class Killer(threading.Thread):
    """Kills nodes while the load runs, one at a time: the next only when all are up again."""

    def __init__(self, wanted: argparse.Namespace, nodes: Nodes, load: Load, screen: Screen) -> None:
        super().__init__(daemon=True)
        self._wanted = wanted
        self._nodes = nodes
        self._load = load
        self._screen = screen
        self._random = random.Random(wanted.seed)
        self.kills: list[Kill] = []
        self.trouble: str | None = None

    def _victims(self) -> list[str]:
        """Whom to kill, in this order, over and over."""
        workers, brokers = self._nodes.names("worker"), self._nodes.names("broker")
        self._random.shuffle(workers)
        return {"worker": workers, "broker": brokers, "all": [*workers, *brokers]}[self._wanted.kill]

    def _await_turn(self, number: int) -> bool:
        """Whether there is a kill to do now."""
        if self._wanted.kill_every:
            return not self._load.wait(self._wanted.kill_every) and not self._load.over
        if number >= self._wanted.kills:
            return False
        target = self._wanted.orders * (number + 1) // (self._wanted.kills + 1)
        while not self._load.wait(1.0, target):
            if self._load.is_silent():
                return False
        return not self._load.over

    def _kill(self, name: str) -> None:
        answered = self._load.answered
        pid, at = self._nodes.kill(name)
        kill = Kill(name, self._nodes.kind_of(name), pid, at, answered)
        self.kills.append(kill)
        self._screen.step(f"killed {kill.kind} {name} (pid {pid}) with SIGKILL, "
                          f"{answered:,} orders answered so far")
        kill.process_after = self._nodes.wait_for_another(name, pid, READY_SECONDS) - at
        self._nodes.wait_until_ready(READY_SECONDS)
        kill.ready_after = time.monotonic() - at
        self._screen.step(f"{kill.kind} {name} is serving again, {1000 * kill.ready_after:,.0f} ms "
                          "later")

    def run(self) -> None:
        try:
            victims = self._victims()
            while self._await_turn(len(self.kills)):
                self._kill(victims[len(self.kills) % len(victims)])
        except (DemoError, OSError) as fault:
            self.trouble = str(fault)


@dataclasses.dataclass
class Outcome:
    load: dict
    kills: list[Kill]
    check: dict
    restarts: int
    stopped_well: bool
    trouble: list[str]

    def as_json(self, wanted: argparse.Namespace) -> dict:
        return {"good": not self.trouble, "trouble": self.trouble, "orders": wanted.orders,
                "seed": wanted.seed, "load": self.load,
                "kills": [dataclasses.asdict(kill) for kill in self.kills],
                "restarts": self.restarts, "stopped_well": self.stopped_well, "check": self.check}


def judge(wanted: argparse.Namespace, load: dict, kills: list[Kill], check: dict) -> list[str]:
    """Everything that does not hold; empty if all is well."""
    trouble = []
    if load["answered"] != wanted.orders or load["unanswered"]:
        trouble.append(f"{wanted.orders - load['answered']:,} orders were not answered")
    if load["failed_calls"]:
        trouble.append(f"{sum(load['failed_calls'].values()):,} calls failed")
    if not check["safe"]:
        trouble.append("the books do not agree")
    elif check["verdict"] != "good":
        trouble.append("not everything has ended")
    wanted_kinds = {"none": set(), "all": {"worker", "broker"}}.get(wanted.kill, {wanted.kill})
    for kind in sorted(wanted_kinds - {kill.kind for kill in kills}):
        trouble.append(f"no {kind} was killed: the load was over too soon (place more orders)")
    for kill in kills:
        if wanted.gap_max and kill.kind == "worker" and (kill.gap_ms or 0) > wanted.gap_max:
            trouble.append(f"{kill.gap_ms:.0f} ms without an answer when {kill.name} was killed")
    return trouble


def place_orders(wanted: argparse.Namespace, folder: pathlib.Path, brokers: list[str],
                 nodes: Nodes, screen: Screen) -> tuple[dict, list[Kill], str | None]:
    pace = f"{wanted.rate:,.0f} a second" if wanted.rate else "as fast as they are answered"
    screen.step(f"placing {wanted.orders:,} orders, {pace}, at most {wanted.outstanding} at once")
    command = [str(wanted.bin / "shop-place-orders"), "--orders", str(HERE / "orders.jsonl"),
               "--count", str(wanted.orders), "--outstanding", str(wanted.outstanding),
               "--rate", str(wanted.rate), "--log", str(folder / "client.log")]
    load = Load(command + [word for each in brokers for word in ("--broker", each)])
    killer = Killer(wanted, nodes, load, screen)
    if wanted.kill != "none":
        killer.start()
    while not load.wait(0.1):
        screen.progress(load.answered, wanted.orders)
        if load.is_silent() or not nodes.is_up():
            break
    if killer.is_alive():
        killer.join(2 * READY_SECONDS)
    errors = load.end()
    if load.result is None:
        raise DemoError(f"the client did not finish: {errors or 'it hangs'}")
    return load.result, killer.kills, killer.trouble


def load_stock(wanted: argparse.Namespace, brokers: list[str]) -> int:
    command = [str(wanted.bin / "shop-place-orders"), "--stock", str(HERE / "stock.json")]
    done = subprocess.run(command + [word for each in brokers for word in ("--broker", each)],
                          capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise DemoError(f"the stock could not be loaded: {done.stderr}")
    return json.loads(done.stdout)["loaded"]["added"]


def run_checker(folder: pathlib.Path, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, str(CHECKER), "--data", str(folder / "data"), *options],
                          capture_output=True, text=True, check=False)


def check_books(folder: pathlib.Path) -> dict:
    done = run_checker(folder, "--client-log", str(folder / "client.log"),
                       "--orders", str(HERE / "orders.jsonl"), "--json")
    if done.returncode == 2:
        raise DemoError(f"the books could not be checked: {done.stderr}")
    return json.loads(done.stdout)


def run(wanted: argparse.Namespace, folder: pathlib.Path, screen: Screen) -> Outcome:
    topology, brokers = write_topology(HERE / "shop.yaml", folder)
    (folder / "data").mkdir()
    screen.step("starting the shop of examples/shop/shop.yaml with `troupe up`")
    nodes = Nodes(wanted.bin, topology)
    try:
        nodes.wait_until_ready(READY_SECONDS)
        screen.step(f"up: broker {', '.join(nodes.names('broker'))} at {', '.join(brokers)}, "
                    f"workers {', '.join(nodes.names('worker'))}")
        screen.step(f"loaded {load_stock(wanted, brokers)} products into the stock")
        load, kills, killer_trouble = place_orders(wanted, folder, brokers, nodes, screen)
        screen.step(f"{load['answered']:,} orders answered in {load['seconds']:.1f} s")
        quiet = run_checker(folder, "--wait-quiet", str(QUIET_SECONDS), "--quiet-only")
        screen.step(f"{(quiet.stdout or quiet.stderr).strip()} any more" if quiet.returncode == 0 else
                    f"waited {QUIET_SECONDS:.0f} s in vain: {(quiet.stdout or quiet.stderr).strip()}")
        restarts = nodes.restarts()
    finally:
        stopped_well = nodes.stop()
    screen.step("stopped")
    check = check_books(folder)
    measure_gaps(kills, answer_times(folder / "client.log"))
    trouble = judge(wanted, load, kills, check)
    if killer_trouble:
        trouble.append(killer_trouble)
    if not stopped_well:
        trouble.append("the nodes did not stop in good order")
    return Outcome(load, kills, check, restarts, stopped_well, trouble)


def show(wanted: argparse.Namespace, outcome: Outcome, screen: Screen) -> None:
    show_table(screen, outcome.load, outcome.kills, outcome.check, outcome.restarts)
    show_check(screen, outcome.check)
    if outcome.trouble:
        for what in outcome.trouble:
            screen.line("  " + screen.bad("NOT GOOD") + f"  {what}")
        screen.line(f"  The same kills again: --seed {wanted.seed}")
        return
    deaths = f", though {len(outcome.kills)} " + \
        ("process was" if len(outcome.kills) == 1 else "processes were") + " killed" \
        if outcome.kills else ""
    screen.line("  " + screen.good("GOOD") + "  every order was answered and none is wrong" + deaths)


def parse(words: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="demo", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--bin", type=pathlib.Path, required=True, help="folder of the programs")
    add("--orders", type=int, default=1_000, help="how many (default 1000)")
    add("--kill", choices=("worker", "broker", "all", "none"),
        help=f"whom to kill (default: worker; from {FULL_SPEED_ORDERS} orders on all, in turn)")
    add("--kills", type=int, help="how often, evenly over the orders (default: 1; of all: 6)")
    add("--kill-every", type=float, default=0, metavar="SECONDS", help="instead: so often")
    add("--rate", type=float, help="orders a second; 0: as fast as they are answered (default: "
                                   f"{PACED_RATE:.0f} below {FULL_SPEED_ORDERS} orders, else 0)")
    add("--outstanding", type=int, default=64, help="orders asked for at once (default 64)")
    add("--gap-max", type=float, default=0, metavar="MS",
        help="fail if a worker's death leaves clients longer without an answer")
    add("--seed", type=int, default=1, help="of the order in which workers are killed (default 1)")
    add("--json", type=pathlib.Path, metavar="FILE", help="write all figures there")
    add("--keep", action="store_true", help="keep the folder with databases and logs")
    wanted = parser.parse_args(words)
    many = wanted.orders >= FULL_SPEED_ORDERS
    wanted.kill = wanted.kill or ("all" if many else "worker")
    wanted.kills = wanted.kills or (6 if wanted.kill == "all" else 1)
    wanted.rate = (0.0 if many else PACED_RATE) if wanted.rate is None else wanted.rate
    if wanted.orders < 1 or wanted.rate < 0 or wanted.kill_every < 0 or wanted.kills < 1:
        parser.error("numbers must be positive")
    wanted.bin = wanted.bin.absolute()
    for program in ("troupe", "troupe-broker", "troupe-worker", "troupe-gateway",
                    "shop-place-orders"):
        if not (wanted.bin / program).exists():
            parser.error(f"{wanted.bin / program} is missing; ./dev build makes it")
    return wanted


def main(words: list[str]) -> int:
    wanted = parse(words)
    screen = Screen()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="troupe-demo-"))
    good = False
    try:
        outcome = run(wanted, folder, screen)
        good = not outcome.trouble
        show(wanted, outcome, screen)
        if wanted.json:
            wanted.json.write_text(json.dumps(outcome.as_json(wanted), indent=2) + "\n")
        return 0 if good else 1
    except (DemoError, OSError) as fault:
        screen.line(screen.bad("demo: ") + str(fault))
        return 2
    except KeyboardInterrupt:
        screen.line("stopped by hand")
        return 2
    finally:
        if good and not wanted.keep:
            shutil.rmtree(folder)
        else:
            screen.line(f"  databases and logs: {folder}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
