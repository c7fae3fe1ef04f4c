#!/usr/bin/python3
"""Runs the shop on three hosts, each a network namespace of this machine: three brokers, three workers, three
PostgreSQL under Patroni, three etcd. While orders are placed and news published, it kills a broker, a worker, the
database and a whole host and cuts a link, one after another; then the books are checked.

Exit status: 0 nothing that was confirmed is lost or there twice, every order was answered, publishes never stood
still for longer than --ratio times as long as a bare client of PostgreSQL did; 1 something of that does not hold;
2 the demo itself could not be run; 77 skipped: this machine lacks something, which it says.
"""

import argparse
import contextlib
import dataclasses
import importlib.util
import json
import os
import pathlib
import pwd
import shutil
import signal
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
SOURCE = HERE.parent.parent
SHOP = HERE.parent / "shop"
sys.path[:0] = [str(HERE), str(SHOP), str(SOURCE / "tests" / "chaos")]

import hosts  # noqa: E402
import services  # noqa: E402
from demo import Load, run_checker  # noqa: E402
from demo_report import Screen, show_check, wrong_orders  # noqa: E402
from faults import Breaker, Fault, Stream, measure  # noqa: E402
from server_copy import copy_to_files  # noqa: E402
from services import HOSTS, OFFICE, Cluster, ClusterError  # noqa: E402

SKIPPED = 77
START_SECONDS = 120.0
END_SECONDS = 180.0
QUIET_LOOKS = 100
PUBLISHES, BARE, ORDERS = "publishes", "bare writer", "orders"
PROGRAMS = ("troupe", "troupe-broker", "troupe-worker", "shop-place-orders", "cluster-publish-news")


def reason_to_skip() -> str:
    """Why this cannot be run here; nothing if it can."""
    if os.geteuid() != 0:
        return "only root may make hosts (network namespaces) and be other users: sudo ./dev demo --cluster"
    if missing := services.missing_programs():
        return f"these Debian packages are missing: {', '.join(missing)}"
    if importlib.util.find_spec("psycopg2") is None:
        return "this Debian package is missing: python3-psycopg2"
    try:
        pwd.getpwnam("postgres")
    except KeyError:
        return "there is no user `postgres`"
    return hosts.reason_to_skip()


@dataclasses.dataclass
class Outcome:
    faults: list[Fault]
    orders: dict
    news: dict
    written: int
    check: dict
    # The longest time without a confirmation, in ms, by client.
    longest: dict[str, float]
    trouble: list[str]

    def as_json(self) -> dict:
        return {"good": not self.trouble, **dataclasses.asdict(self)}


class Demo:
    def __init__(self, wanted: argparse.Namespace, folder: pathlib.Path, screen: Screen,
                 stack: contextlib.ExitStack) -> None:
        self._wanted = wanted
        self._folder = folder
        self._screen = screen
        self._stack = stack
        self._hosts = hosts.Hosts(services.ADDRESSES)
        stack.callback(self._take_away)
        self._cluster = Cluster(wanted.bin, folder, self._hosts)
        self._logs = folder / "clients"
        self._streams = {PUBLISHES: Stream(self._logs / "news.log"), BARE: Stream(self._logs / "bare.log"),
                         ORDERS: Stream(self._logs / "orders.log")}

    def _take_away(self) -> None:
        """Whoever is impatient meanwhile would leave hosts behind."""
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        self._hosts.close()

    def run(self) -> Outcome:
        for name in hosts.sweep():
            self._screen.step(f"took away {name}, which an earlier run has left")
        self._start()
        orders, news = self._begin_orders(), self._begin_news()
        bare = self._begin_bare()
        breaker = Breaker(self._cluster, self._streams, self._screen.step, self._wanted.faults,
                          self._wanted.seed)
        breaker.start()
        while breaker.is_alive():
            breaker.join(0.2)
            self._look_after(orders, "place orders")
            self._look_after(news, "publish news")
        ended = time.monotonic()
        self._screen.step("clients begin nothing new, and wait for what is under way")
        results = [self._end(each, what) for each, what in ((orders, "place orders"), (news, "publish news"))]
        bare.send_signal(signal.SIGTERM)
        bare.wait(END_SECONDS)
        return self._judge(breaker, results[0], results[1], ended)

    # --- The beginning --------------------------------------------------------------------------

    def _start(self) -> None:
        self._screen.step("three hosts and an office, with addresses of their own behind a switch")
        self._hosts.make()
        self._cluster.install()
        self._logs.mkdir()
        self._screen.step("etcd and Patroni with PostgreSQL on each host")
        for host in HOSTS:
            self._cluster.start_databases(host)
        self._cluster.await_true("the databases do not come up", START_SECONDS, self._cluster.trouble_of_databases)
        roles = {each["role"]: each["name"] for each in self._cluster.members()}
        self._screen.step(f"{roles['leader']} takes writes, {roles['sync_standby']} confirms, {roles['replica']} follows")
        self._cluster.make_database()
        self._screen.step("a broker and a worker on each host, keys on every link")
        for host in HOSTS:
            self._cluster.start_troupe(host)
        self._cluster.await_whole(START_SECONDS)
        loaded = self._load("shop-place-orders", "sales", "--stock", str(SHOP / "stock.json"))
        if not loaded.wait(START_SECONDS) or loaded.process.wait() != 0:
            raise ClusterError(f"the stock could not be loaded: {loaded.end()}")
        loaded.end()
        self._screen.step(f"the stock is loaded; broker {self._cluster.journal_seat()[0]} has the journal")

    def _load(self, program: str, person: str, *words: str) -> Load:
        command = ["ip", "netns", "exec", self._hosts.namespace(OFFICE),
                   *self._cluster.client(program, person, *words)]
        load = Load(command)
        self._stack.callback(load.process.kill)
        return load

    def _begin_orders(self) -> Load:
        self._screen.step(f"{self._wanted.rate:.0f} orders and {self._wanted.publishes:.0f} publishes a second from now on")
        return self._load("shop-place-orders", "sales", "--orders", str(SHOP / "orders.jsonl"), "--count", "1000000",
                          "--outstanding", "256", "--rate", str(self._wanted.rate), "--patience-ms", "120000",
                          "--log", str(self._streams[ORDERS].file))

    def _begin_news(self) -> Load:
        return self._load("cluster-publish-news", "press", "--rate", str(self._wanted.publishes),
                          "--log", str(self._streams[PUBLISHES].file))

    def _begin_bare(self):
        with (self._logs / "bare.err").open("w") as errors:
            return self._hosts.run(
                OFFICE, ["/usr/bin/python3", str(HERE / "bare_writer.py"), "--url", self._cluster.database_url,
                         "--rate", str(self._wanted.publishes), "--log", str(self._streams[BARE].file)],
                env={**os.environ, "PGPASSFILE": str(self._cluster.pgpass)}, stdout=errors, stderr=errors)

    # --- The end --------------------------------------------------------------------------------

    @staticmethod
    def _look_after(load: Load, what: str) -> None:
        if load.over:
            raise ClusterError(f"who should {what} ended: {load.end()}")

    def _end(self, load: Load, what: str) -> dict:
        load.process.send_signal(signal.SIGTERM)
        if not load.wait(END_SECONDS):
            raise ClusterError(f"who should {what} waits in vain: {load.end()}")
        errors = load.end()
        if load.result is None:
            raise ClusterError(f"who should {what} ended: {errors}")
        return load.result

    def _copy(self, folder: pathlib.Path) -> None:
        (folder / "data").mkdir(parents=True)
        shutil.copy(self._folder / "made" / "shop.yaml", folder)
        copy_to_files(self._cluster.psql, folder / "data")

    def _await_quiet(self) -> bool:
        said = ""
        for _ in range(QUIET_LOOKS):
            with tempfile.TemporaryDirectory(dir=self._folder) as name:
                folder = pathlib.Path(name, "copy")
                self._copy(folder)
                quiet = run_checker(folder, "--quiet-only")
            if quiet.returncode == 0:
                return True
            said = (quiet.stdout or quiet.stderr).strip()
        self._screen.step(f"it does not come to rest: {said}")
        return False

    def _check_books(self) -> dict:
        """One moment of all schemas as files, and what the hosts have written besides."""
        books = self._folder / "books"
        self._copy(books)
        (books / "data" / "mail").mkdir()
        shutil.copy(self._folder / "provider.log", books / "data")
        for host in HOSTS:
            for mail in (self._folder / host / "troupe" / "data" / "mail").glob("*"):
                shutil.copy2(mail, books / "data" / "mail")
        done = run_checker(books, "--client-log", str(self._streams[ORDERS].file), "--orders",
                           str(SHOP / "orders.jsonl"), "--publish-log", str(self._streams[PUBLISHES].file), "--json")
        if done.returncode == 2:
            raise ClusterError(f"the books could not be checked: {done.stderr}")
        return json.loads(done.stdout)

    def _judge(self, breaker: Breaker, orders: dict, news: dict, ended: float) -> Outcome:
        self._screen.step("waiting until nothing is under way any more")
        trouble = [breaker.trouble] if breaker.trouble else []
        if not self._await_quiet():
            trouble.append("not everything has ended")
        if not self._cluster.stop_troupe():
            trouble.append("brokers and workers did not stop in good order")
        check = self._check_books()
        self._screen.step("stopped; the books are one REPEATABLE READ snapshot of all schemas")
        if not check["safe"]:
            trouble.append("the books do not agree")
        elif check["verdict"] != "good":
            trouble.append("not everything has ended, say the books")
        if orders["unanswered"]:
            trouble.append(f"{orders['unanswered']:,} orders were not answered")
        if news["unconfirmed"]:
            trouble.append(f"{news['unconfirmed']:,} publishes were not confirmed")
        written = self._judge_bare(trouble)
        measure(breaker.faults, self._streams, ended)
        longest = {name: max((each.gaps[name] for each in breaker.faults), default=0.0) for name in self._streams}
        if longest[PUBLISHES] > self._wanted.ratio * longest[BARE]:
            trouble.append(f"publishes stood still for {longest[PUBLISHES]:,.0f} ms, more than {self._wanted.ratio} "
                           f"times the {longest[BARE]:,.0f} ms of the bare writer")
        return Outcome(breaker.faults, orders, news, written, check, longest, trouble)

    def _judge_bare(self, trouble: list[str]) -> int:
        """Whether the databases themselves have kept what they confirmed. Returns how many rows that is."""
        there = {int(line) for line in self._cluster.psql("SELECT n FROM bare.written;")}
        confirmed = [json.loads(line)["n"] for line in self._streams[BARE].file.read_text().splitlines()]
        if lost := [n for n in confirmed if n not in there]:
            trouble.append(f"PostgreSQL has lost {len(lost):,} rows that it confirmed")
        return len(confirmed)


# --- What is shown ------------------------------------------------------------------------------

def _time(milliseconds: float | None) -> str:
    if milliseconds is None:
        return "-"
    return f"{milliseconds:,.0f} ms" if milliseconds < 1_000 else f"{milliseconds / 1_000:.1f} s"


def show(screen: Screen, outcome: Outcome) -> None:
    screen.line()
    screen.line(screen.strong(f"  {'longest time without a confirmation':<37}"
                              f"{'bare writer':>13}{'publishes':>11}{'orders':>9}"))
    began = outcome.faults[0].at if outcome.faults else 0.0
    for each in outcome.faults:
        name = f"{each.name}, {each.at - began:.0f} s in"
        screen.line(f"  {name:<37}{_time(each.gaps[BARE]):>13}{_time(each.gaps[PUBLISHES]):>11}"
                    f"{_time(each.gaps[ORDERS]):>9}")
    screen.line()
    orders, news = outcome.orders, outcome.news
    failed = sum(orders["failed_calls"].values())
    late = orders["rejected"].get("deadline_exceeded", 0)
    for what, value, note in (
            ("orders answered", orders["answered"], f"{failed:,} calls were asked again"),
            ("  confirmed", orders["confirmed"], ""),
            ("  refused", sum(orders["rejected"].values()) - late, "none left, no such goods, declined"),
            ("  undone", late, "too late: told, money given back"),
            ("orders wrong in the books", wrong_orders(outcome.check), ""),
            ("publishes confirmed", news["confirmed"], f"{news['repeats']:,} of them were there already"),
            ("rows of the bare writer", outcome.written, "straight to PostgreSQL")):
        screen.line(f"  {what:<30}{value:>10,}   {note}".rstrip())
    screen.line()
    show_check(screen, outcome.check)
    for what in outcome.trouble:
        screen.line("  " + screen.bad("NOT GOOD") + f"  {what}")
    if not outcome.trouble:
        screen.line("  " + screen.good("GOOD") + f"  {len(outcome.faults)} faults, nothing confirmed is lost or "
                    "there twice")


def parse(words: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="demo --cluster", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--bin", type=pathlib.Path, required=True, help="folder of the programs")
    add("--rate", type=float, default=10.0, help="orders a second (default 10)")
    add("--publishes", type=float, default=50.0, help="publishes, and rows of the bare writer, a second (default 50)")
    add("--ratio", type=float, default=1.3,
        help="how much longer publishes may stand still than the bare writer (default 1.3)")
    add("--faults", default=",".join(Breaker.ALL), metavar="LIST",
        help=f"what is done, in this order (default {','.join(Breaker.ALL)})")
    add("--seed", type=int, default=1, help="of the worker that is killed (default 1)")
    add("--json", type=pathlib.Path, metavar="FILE", help="write all figures there")
    add("--keep", action="store_true", help="keep the folder with all files and logs")
    wanted = parser.parse_args(words)
    wanted.bin = wanted.bin.absolute()
    wanted.faults = wanted.faults.split(",")
    if unknown := [each for each in wanted.faults if each not in Breaker.ALL]:
        parser.error(f"there is no fault {', '.join(unknown)}; there are {', '.join(Breaker.ALL)}")
    if wanted.rate <= 0 or wanted.publishes <= 0 or wanted.ratio <= 0:
        parser.error("numbers must be positive")
    for program in PROGRAMS:
        if not (wanted.bin / program).exists():
            parser.error(f"{wanted.bin / program} is missing; ./dev build makes it")
    return wanted


def interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def main(words: list[str]) -> int:
    wanted = parse(words)
    if reason := reason_to_skip():
        print(f"skipped: {reason}")
        return SKIPPED
    signal.signal(signal.SIGTERM, interrupt)
    screen = Screen()
    folder = pathlib.Path(tempfile.mkdtemp(prefix=hosts.folder_prefix(os.getpid())))
    is_kept = True
    try:
        with contextlib.ExitStack() as stack:
            outcome = Demo(wanted, folder, screen, stack).run()
        is_kept = wanted.keep or bool(outcome.trouble)
        show(screen, outcome)
        if wanted.json:
            wanted.json.write_text(json.dumps(outcome.as_json(), indent=2) + "\n")
        return 1 if outcome.trouble else 0
    except (ClusterError, hosts.HostError, OSError) as fault:
        screen.line(screen.bad("demo: ") + str(fault))
        return 2
    except KeyboardInterrupt:
        is_kept = wanted.keep
        screen.line("stopped by hand; the hosts and all that ran there are gone")
        return 2
    finally:
        if is_kept:
            screen.line(f"  files, databases and logs: {folder}")
        else:
            shutil.rmtree(folder)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
