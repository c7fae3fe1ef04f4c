"""An episode: one shop, from its first start to the check of its books, and what its steps must remember."""

import json
import pathlib
import time
from collections.abc import Callable

from copies import Copies
from databases import database_files, opened, tables_of
from judge import Case, check_books
from liveness import wait_until_quiet
from loads import Loads
from shop import Fault, Shop
from verdicts import acknowledged, check_verdicts, ends_of

QUIET_SECONDS = 60.0
# Calls whose caller is gone are held until their time is up.
HELD_SECONDS = 20.0
# After it the books say who was not taken over.
HEIR_SECONDS = 10.0
# So lazily a journal writes its cursors.
CURSOR_SECONDS = 1.5
# How the release before refuses an id that is ahead of its clock.
_REFUSED_BEFORE = "the id was not made (UUIDv7) within the last"


class Skipped(Exception):
    """The programs cannot do what comes next; the text says what."""


class Episode:
    """@param nodes the release of each broker and node
    @param seed of what is drawn at its end"""

    def __init__(self, folder: pathlib.Path, releases: dict[str, pathlib.Path],
                 nodes: dict[str, str], seed: str) -> None:
        self.shop = Shop(folder, releases, [name for name in nodes if name.startswith("b")])
        self.loads = Loads(self.shop)
        self.copies = Copies(self.shop)
        # How many loads there were when a copy was made.
        self.copied_after: dict[str, int] = {}
        # The loads whose orders an older copy lacks: from here to there. And those that stay lost.
        self.stale = (0, 0)
        self.lost: tuple[int, int] | None = None
        # Whether a copy of the journal alone was restored.
        self.older_journal = False
        # Whether a person had letters delivered again.
        self.letters_ordered = False
        # Events that nobody can handle: id, position.
        self.poisons: list[tuple[str, int]] = []
        self._first = nodes
        self._seed = seed

    def begin(self) -> None:
        for name, release in self._first.items():
            self.shop.start(name, release)
        self.shop.await_ready()
        self.loads.fill_shelves()

    def make_whole(self) -> None:
        """Everything runs, with the example's own topology, and nobody is still to die."""
        for name, node in self.shop.nodes.items():
            self.shop.thaw(name)
            if node.is_up and node.doom:
                self.shop.kill(name)
                self.shop.start(name, node.release)
        if self.shop.topology.read_text() != self.shop.text:
            self.read_anew(self.shop.text, list(self.shop.nodes))
        self.shop.await_ready()
        self._upgrade_what_is_older()

    def _upgrade_what_is_older(self) -> None:
        """Each process of the release before in turn: an upgrade ends with the newer one everywhere, and
        what only that one writes can be judged."""
        older = [name for name, node in self.shop.nodes.items() if node.release == "before"]
        for name in older:
            self.shop.stop_all([name])
            self.shop.start(name)
        if older:
            self.shop.await_ready()
        if self.shop.was_mixed:
            self._resume_sagas()

    def _resume_sagas(self) -> None:
        """What a person does after the upgrade: the release before refuses for good what is only ahead of
        its clock, and a saga that asked it is parked."""
        file = str(self.shop.topology)
        listed = self.shop.run("sagas", "list", file, "--json").stdout.splitlines()
        for saga in map(json.loads, listed):
            if saga.get("state") == "parked" and _REFUSED_BEFORE in saga["reason"]:
                self.shop.run("sagas", "resume", file, saga["capability"], saga["id"])

    def come_to_rest(self) -> str:
        """Every order is answered, and everything ends."""
        self.loads.await_answers()
        quiet = wait_until_quiet(self.shop.data, QUIET_SECONDS)
        if not quiet.quiet:
            raise Fault(f"not everything ended within {QUIET_SECONDS:.0f} s: {quiet}\n"
                        + "\n".join(self.shop.troubles()))
        deadline = time.monotonic() + HELD_SECONDS
        while held := self.shop.held():
            if time.monotonic() > deadline:
                raise Fault("everything has ended, and brokers have calls in hand: " + ", ".join(held))
            self.shop.wait(0.2)
        return str(quiet)

    def read_anew(self, text: str, order: list[str]) -> None:
        """Each process in turn is ended and started with another topology. A worker whose broker has
        not read it yet may be turned away, and is started again."""
        self.shop.give_topology(text)
        for name in order:
            self.shop.stop_all([name])
            self.shop.start(name, self.shop.nodes[name].release)
        self.shop.wait(0.3)
        self.shop.look_for_ends()
        for name in order:
            if not self.shop.nodes[name].is_up:
                self.shop.start(name, self.shop.nodes[name].release)

    def await_heirs(self) -> None:
        """Until somebody has taken over from each process that is gone."""
        deadline = time.monotonic() + HEIR_SECONDS
        while self._orphans() and time.monotonic() < deadline:
            self.shop.wait(0.2)

    def _orphans(self) -> int:
        count = 0
        for path in database_files(self.shop.data).values():
            with opened(path) as database:
                if "writers" in tables_of(database):
                    count += database.execute(
                        "SELECT COUNT(*) FROM writers w WHERE fenced = 0 AND EXISTS"
                        " (SELECT 1 FROM writers n WHERE n.node = w.node AND n.id > w.id)").fetchone()[0]
        return count

    def check(self) -> str:
        """All stop, in good order, and the books are read. @return what was found to be right."""
        troubles = self.shop.troubles()
        if troubles:
            raise Fault("there is trouble left:\n" + "\n".join(troubles))
        self.await_heirs()
        self.shop.wait(CURSOR_SECONDS)
        self.shop.stop_all(sorted(self.shop.nodes, reverse=True))
        log = self.shop.folder / "client.log"
        self.loads.write_log(log)
        lost = self.loads.orders(*self.lost) if self.lost else set()
        verdict = check_books(Case(
            self.shop.folder, log, self.shop.clocks.jumped, self.shop.was_mixed,
            self.older_journal, self.letters_ordered, self.poisons,
            self.loads.orders() - lost if self.lost else None))
        if not verdict.good:
            raise Fault(verdict.text)
        return f"{verdict.summary}, {self._check_verdicts(log, lost)}"

    def _check_verdicts(self, log: pathlib.Path, lost: set[str]) -> str:
        """What `troupe why` tells of a sample of calls and events, by their databases alone."""
        ends = ends_of(self.shop.data, acknowledged(log), {event for event, _ in self.poisons}, lost)
        return check_verdicts(ends.sample(self._seed), lambda asked: self.shop.run(
            "why", str(self.shop.topology), asked, "--json", "--data", str(self.shop.data)))

    def end(self) -> None:
        self.loads.end()
        self.shop.end()


def run(plan: list[str], folder: pathlib.Path, releases: dict[str, pathlib.Path],
        steps: dict[str, Callable[..., str | None]], tell: Callable[[str], None]) -> None:
    """Raises Fault or Skipped. Whatever comes, nothing of it runs any more afterwards."""
    began = time.monotonic()
    word, nodes = plan[0].split()
    if word != "shop":
        raise ValueError("a plan begins with `shop`")
    episode = Episode(folder, releases, dict(pair.split("=") for pair in nodes.split(",")),
                      seed="\n".join(plan))
    try:
        episode.begin()
        for line in plan[1:]:
            name, *words = line.split()
            done = steps[name](episode, *words)
            tell(f"{time.monotonic() - began:6.1f}  {line}" + (f"  ({done})" if done else ""))
            episode.shop.look_for_ends()
    finally:
        episode.end()
