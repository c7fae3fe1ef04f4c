"""Steps: what a plan's lines do to a shop, a function each. One that cannot be done by now, since a process
ended before its time, is skipped and says so."""

import pathlib
import re
import subprocess
import sys
import time
from collections.abc import Callable

from copies import Copies
from judge import Verdict, check_books
from loads import Loads
from shop import SHOP, Fault, Shop
from topologies import with_renamed

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from databases import database_files, opened, tables_of  # noqa: E402
from liveness import wait_until_quiet  # noqa: E402

QUIET_SECONDS = 60.0
# After it the books say who was not taken over.
HEIR_SECONDS = 10.0
# So lazily a journal writes its cursors.
CURSOR_SECONDS = 1.5
# An older copy shows by what the load has published meanwhile: orders, and what the journal has of them.
SHOWS_ITS_AGE = ("orders", "journal")


class Skipped(Exception):
    """The programs cannot do what comes next; the text says what."""


class Episode:
    """One shop, from its first start to the check of its books."""

    def __init__(self, folder: pathlib.Path, releases: dict[str, pathlib.Path],
                 tell: Callable[[str], None]) -> None:
        self._folder = folder
        self._releases = releases
        self._tell = tell
        self._copied_after: dict[str, int] = {}
        # The loads whose orders an older copy lacks: from here to there. And those that stay lost.
        self._stale = (0, 0)
        self._lost: tuple[int, int] | None = None
        self.verdict: Verdict | None = None

    def run(self, plan: list[str]) -> None:
        """Raises Fault or Skipped. Whatever comes, nothing of it runs any more afterwards."""
        began = time.monotonic()
        try:
            for line in plan:
                name, *words = line.split()
                done = getattr(self, f"do_{name}")(*words)
                self._tell(f"{time.monotonic() - began:6.1f}  {line}" + (f"  ({done})" if done else ""))
                self._shop.look_for_ends()
        finally:
            if hasattr(self, "_shop"):
                self._loads.end()
                self._shop.end()

    # --- A shop's life --------------------------------------------------------------------------

    def do_shop(self, brokers: str, releases: str) -> None:
        self._shop = Shop(self._folder, self._releases, brokers.split(","))
        self._loads = Loads(self._shop)
        self._copies = Copies(self._shop)
        for pair in releases.split(","):
            name, release = pair.split("=")
            self._shop.start(name, release)
        self._shop.await_ready()
        stock = self._shop.client("--stock", str(SHOP / "stock.json"), stdout=subprocess.DEVNULL)
        if stock.wait(60) != 0:
            raise Fault("the stock was not taken in")

    def do_load(self, orders: str) -> None:
        self._loads.begin(int(orders))

    def do_pause(self, seconds: str) -> None:
        self._shop.wait(float(seconds))

    def do_heal(self, clocks: str = "with_clocks_set_right") -> str:
        """Everything runs, every order is answered, and everything ends."""
        if clocks == "with_clocks_set_right":
            self._shop.clocks.set_right()
        self._make_whole()
        self._loads.await_answers()
        quiet = wait_until_quiet(self._shop.data, QUIET_SECONDS)
        if not quiet.quiet:
            raise Fault(f"not everything ended within {QUIET_SECONDS:.0f} s: {quiet}\n"
                        + "\n".join(self._shop.troubles()))
        return str(quiet)

    def _make_whole(self) -> None:
        for name in self._shop.nodes:
            self._shop.thaw(name)
        if self._shop.topology.read_text() != self._shop.text:
            self._read_anew(self._shop.text, list(self._shop.nodes))
        self._shop.await_ready()

    def do_end(self) -> str:
        """All stop, in good order, and the books are checked."""
        troubles = self._shop.troubles()
        if troubles:
            raise Fault("there is trouble left:\n" + "\n".join(troubles))
        self._await_heirs()
        self._shop.wait(CURSOR_SECONDS)
        self._stop(sorted(self._shop.nodes, reverse=True))
        log = self._folder / "client.log"
        self._loads.write_log(log)
        lost = self._loads.orders(*self._lost) if self._lost else set()
        kept = self._loads.orders() - lost if self._lost else None
        self.verdict = check_books(self._folder, log, self._shop.clocks.jumped, kept)
        if not self.verdict.good:
            raise Fault(self.verdict.text)
        return self.verdict.summary

    def _await_heirs(self) -> None:
        """Until somebody has taken over from each process that is gone."""
        deadline = time.monotonic() + HEIR_SECONDS
        while self._orphans() and time.monotonic() < deadline:
            self._shop.wait(0.2)

    def _orphans(self) -> int:
        count = 0
        for path in database_files(self._shop.data).values():
            with opened(path) as database:
                if "writers" in tables_of(database):
                    count += database.execute(
                        "SELECT COUNT(*) FROM writers w WHERE fenced = 0 AND EXISTS"
                        " (SELECT 1 FROM writers n WHERE n.node = w.node AND n.id > w.id)").fetchone()[0]
        return count

    # --- Single processes -----------------------------------------------------------------------

    def do_kill(self, name: str) -> str | None:
        if not self._shop.nodes[name].is_up:
            return "skipped: it does not run"
        self._shop.kill(name)
        return None

    def do_stop(self, name: str) -> str | None:
        if not self._shop.nodes[name].is_up:
            return "skipped: it does not run"
        self._shop.stop(name)
        return None

    def do_start(self, name: str, release: str) -> str | None:
        if self._shop.nodes[name].is_up:
            return "skipped: it runs"
        self._shop.start(name, release)
        return None

    def do_start_doomed(self, name: str, release: str, fault: str) -> str | None:
        if self._shop.nodes[name].is_up:
            return "skipped: it runs"
        self._shop.start(name, release, fault)
        return None

    def do_freeze(self, name: str) -> str | None:
        if not self._shop.nodes[name].is_up:
            return "skipped: it does not run"
        self._shop.freeze(name)
        return None

    def do_thaw(self, name: str) -> None:
        self._shop.thaw(name)

    def do_clock(self, machine: str, seconds: str) -> None:
        self._shop.clocks.jump(machine, int(seconds))

    def _stop(self, names: list[str]) -> None:
        for name in names:
            if self._shop.nodes[name].is_up:
                self._shop.stop(name)

    # --- Topologies -----------------------------------------------------------------------------

    def do_rename(self, old: str, order: str) -> None:
        self._read_anew(with_renamed(self._shop.text, old), order.split(","))

    def do_rename_back(self, _: str, order: str) -> None:
        self._read_anew(self._shop.text, order.split(","))

    def _read_anew(self, text: str, order: list[str]) -> None:
        """Each process in turn is ended and started with another topology. A worker whose broker has
        not read it yet may be turned away, and is started again."""
        self._shop.topology.write_text(text)
        for name in order:
            self._stop([name])
            self._shop.start(name, self._shop.nodes[name].release)
        self._shop.wait(0.3)
        self._shop.look_for_ends()
        for name in order:
            if not self._shop.nodes[name].is_up:
                self._shop.start(name, self._shop.nodes[name].release)

    def do_retry_letters(self) -> str:
        said = self._shop.run("dead-letters", "retry", str(self._shop.topology), "--all",
                              "--deadline", "1s")
        return f"exit {said.returncode}"

    # --- Copies ---------------------------------------------------------------------------------

    def do_copy(self, label: str, how: str) -> None:
        self._copied_after[label] = len(self._loads.all)
        if how == "live":
            self._copies.take_live(label)
            return
        self._stop(list(self._shop.nodes))
        self._copies.take_cold(label)
        self._shop.await_ready()

    def _need(self, label: str) -> None:
        if not self._copies.has(label):
            raise Skipped(f"there is no copy `{label}`")

    def do_restore_all(self, label: str) -> None:
        self._need(label)
        for name, node in self._shop.nodes.items():
            if node.is_up:
                self._shop.kill(name)
        self._loads.forget(self._copied_after[label])
        self._copies.put_everything(label)

    def do_restore(self, database: str, label: str) -> None:
        self._need(label)
        owners = self._copies.owners(database)
        self._end_owners(owners)
        self._copies.put(database, label)
        self._start_owners(owners)
        self._stale = (self._copied_after[label], len(self._loads.all))

    def do_restore_under(self, database: str, label: str) -> None:
        """Nobody was told to stop before."""
        self._need(label)
        for name in self._copies.owners(database):
            self._shop.nodes[name].was_robbed = True
        self._copies.put(database, label)

    def do_put_back(self, database: str) -> None:
        self._need(f"lost-{database}")
        owners = self._copies.owners(database)
        self._end_owners(owners)
        self._copies.put_back(database)
        self._start_owners(owners)

    def do_expect_trouble(self, database: str) -> str:
        """Somebody must say that the copy is older, as often as one looks."""
        self._make_whole()
        deadline = time.monotonic() + 10.0
        troubles = self._shop.troubles()
        while database in SHOWS_ITS_AGE and not troubles:
            if time.monotonic() > deadline:
                raise Fault(f"{database}.db is an older copy, and nobody says so")
            self._shop.wait(0.2)
            troubles = self._shop.troubles()
        return f"{len(troubles)} say so"

    def do_accept(self, database: str) -> str:
        """A person says that what was lost stays lost."""
        self._make_whole()
        if not self._knows_restore():
            raise Skipped("there is no `troupe restore`")
        self._lost = self._stale
        return self._restore(database)

    def do_accept_if_troubled(self, database: str) -> str:
        self._make_whole()
        self._shop.wait(1.0)
        if not self._shop.troubles():
            return "no trouble"
        if not self._knows_restore():
            self.do_put_back(database)
            return "put back: there is no `troupe restore`"
        return self._restore(database)

    def _knows_restore(self) -> bool:
        return re.search(r"(?m)^\s+restore\b", self._shop.run("--help").stdout) is not None

    def _restore(self, database: str) -> str:
        said = self._shop.run("restore", str(self._shop.topology), database)
        if said.returncode != 0:
            raise Fault(f"`troupe restore {database}` ended with {said.returncode}\n"
                        f"{said.stdout}{said.stderr}")
        return said.stdout.strip().replace("\n", "; ")

    def _end_owners(self, owners: list[str]) -> None:
        for name in owners:
            self._shop.thaw(name)
            if self._shop.nodes[name].is_up:
                self._shop.kill(name)

    def _start_owners(self, owners: list[str]) -> None:
        for name in owners:
            self._shop.start(name, self._shop.nodes[name].release)
