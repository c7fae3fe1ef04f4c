"""Sagas of every kind over real processes (every_saga/), with participants that count what each step did: what
several tests have in common."""

import collections
import dataclasses
import os
import random
import signal
import sys
import time

import harness
from harness import PATIENCE, Client, Process, System, SystemTest, new_id, text_of

PROGRAMS = harness.BIN.parent / "tests" / "integration" / "every_saga" / "bin"
FORWARD, UNDOING, COMPLETED, COMPENSATED, PARKED = range(5)
# Of sagas alone: participants are on a node of their own, so that nothing moves before it runs.
OWNERS, PARTICIPANTS = ("n1", "n2"), "n3"
CAPABILITIES = {
    "sagas": "{nodes: [n1, n2], subscribes: [word.said]}",
    "left": "{actor: marks, nodes: [n3]}",
    "right": "{actor: marks, nodes: [n3]}",
}
PATIENT = ("defaults: {breaker: {threshold: 100000}, "
           "supervision: {max_restarts: 1000, within: 60s, backoff: 1ms..5ms}}")
# Longer than any test: it is not its caller's time that ends a saga.
LONG_MS = 600_000


@dataclasses.dataclass(frozen=True)
class Kind:
    """A saga and how it must end: `steps` are those whose marks stand then."""
    operation: str
    steps: frozenset = frozenset()
    refuse: str = ""
    extra: bool = False
    word: bool | None = None

    @property
    def end(self) -> int:
        return COMPLETED if self.steps else COMPENSATED


def good(operation: str, *steps: str, **more: object) -> Kind:
    return Kind(operation, frozenset(steps), **more)


KINDS = {
    "plain": good("plain", "a", "b", "c", "d"),
    "plain_refused": Kind("plain", refuse="b"),
    "parallel": good("parallel", "a", "b", "c", "d"),
    "parallel_refused": Kind("parallel", refuse="c"),
    "parallel_undone": Kind("parallel", refuse="d"),
    "asked_yes": good("asked", "a", "b", word=True),
    "asked_no": Kind("asked", word=False),
    "heard_yes": good("heard", "a", "b", word=True),
    "heard_no": Kind("heard", word=False),
    "ignored": Kind("ignored"),
    "timed": good("timed", "a", "b"),
    "timed_refused": Kind("timed", refuse="b"),
    "chosen": good("chosen", "a", "b", "c", extra=True),
    "passed": good("chosen", "a", "c"),
    "chosen_refused": Kind("chosen", refuse="c", extra=True),
    "queued": good("queued", "a", "b"),
    "queued_refused": Kind("queued", refuse="b"),
    "outer": good("outer", "a", "in_a", "in_b", "b"),
    "outer_refused": Kind("outer", refuse="b"),
    "inner_refused": Kind("outer", refuse="in_b"),
}


def drawn() -> random.Random:
    """The dice of a test, whose seed is told: TROUPE_SEED gives it again."""
    seed = int(os.environ.get("TROUPE_SEED", random.SystemRandom().randrange(1 << 32)))
    print(f"TROUPE_SEED={seed}", file=sys.stderr)
    return random.Random(seed)


class EverySagaTest(SystemTest):
    """Owners of sagas on n1 and n2, what they call on n3."""

    def start(self, capabilities: dict[str, str] | None = None, **more: object) -> System:
        self.made = self.system(capabilities or CAPABILITIES, nodes=(*OWNERS, PARTICIPANTS), more=PATIENT,
                                programs=PROGRAMS, **more)
        self.running: list[Process] = []
        self.client = self.made.client()
        self.kinds: dict[bytes, Kind] = {}
        self.labels: dict[bytes, str] = {}
        return self.made

    def up(self, *nodes: str) -> None:
        """Starts the broker and these workers, and waits for nothing."""
        self.running = [self.made.run("troupe-broker", "b1")]
        self.running += [self.made.worker(each, joined=False) for each in nodes]

    def await_joined(self) -> None:
        for each in self.running[1:]:
            each.wait_for("broker.joined")

    def kill_all(self) -> None:
        """All at once, with no order among them."""
        for each in self.running:
            each.signal(signal.SIGKILL)
        for each in self.running:
            each.kill()
        self.running = []

    def begin(self, kind: str, label: str) -> bytes:
        saga = new_id()
        self.kinds[saga], self.labels[saga] = KINDS[kind], label
        self.ask(self.client, saga)
        return saga

    def ask(self, client: Client, saga: bytes) -> None:
        kind = self.kinds[saga]
        client.send("sagas", kind.operation, {
            "label": self.labels[saga], "refuse": kind.refuse, "extra": kind.extra}, call_id=saga, ttl=LONG_MS)

    def begin_each(self, times: int) -> None:
        """Begins so many of each kind, once their owners are there, and waits until all are journaled."""
        self.await_joined()
        for name in KINDS:
            for number in range(times):
                self.begin(name, f"{name}-{number}")
        self.await_true("all have begun", lambda: len(self.kinds) == self.number(
            "SELECT COUNT(*) FROM sagas WHERE operation <> 'inner'"))

    def say_words(self) -> None:
        """Says to each saga that waits for a word what its kind is told, so that it counts."""
        said = []
        for saga, kind in self.kinds.items():
            if kind.word is None:
                continue
            body = {"saga": saga, "yes": kind.word}
            said.append(
                self.client.send("sagas", "say", body, ttl=LONG_MS) if kind.operation == "asked" else
                self.client.send("troupe.publish", "word.said", body, key=text_of(saga), ttl=LONG_MS))
        answers = self.client.collect(said)
        self.assertEqual([], [each for each in answers.values() if not each.ok])
        self.assertEqual(len(said), len(answers))

    def number(self, statement: str, *values: object) -> int:
        return self.made.rows("sagas", statement, *values)[0][0]

    def journaled(self) -> int:
        return self.number("SELECT COUNT(*) FROM saga_journal")

    def unfinished(self) -> int:
        return self.number("SELECT COUNT(*) FROM sagas WHERE phase NOT IN (2, 3)")

    def await_true(self, what: str, condition, within: float = 4 * PATIENCE) -> None:
        until = time.monotonic() + within
        while not condition():
            self.assertLess(time.monotonic(), until, f"{what}: not within {within} s\n{self.story()}")
            self.client.receive(0.002)

    def story(self) -> str:
        """The sagas that are not over, with their journals."""
        return "\n".join(
            f"{text_of(saga)} {self.labels.get(saga)} {operation} phase {phase} epoch {epoch}: " + " ".join(
                f"{kind}/{step}" for kind, step in self.made.rows(
                    "sagas", "SELECT kind, step FROM saga_journal WHERE saga = ? ORDER BY seq", saga))
            for saga, operation, phase, epoch in self.made.rows(
                "sagas", "SELECT id, operation, phase, epoch FROM sagas WHERE phase NOT IN (2, 3)"))

    def marks(self) -> dict[str, dict[str, tuple[int, int]]]:
        """By label and step: how often it was made, and unmade."""
        found: dict[str, dict[str, tuple[int, int]]] = collections.defaultdict(dict)
        for capability in ("left", "right"):
            for label, step, made, unmade in self.made.rows(
                    capability, "SELECT label, step, made, unmade FROM marks"):
                self.assertNotIn(step, found[label], f"{label}: two sagas did it")
                found[label][step] = (made, unmade)
        return found

    def assert_ended_right(self) -> None:
        """Each saga has the end of its kind, and what it did is exactly what its end says."""
        ends = dict(self.made.rows("sagas", "SELECT id, phase FROM sagas"))
        self.assertEqual(
            {self.labels[saga]: kind.end for saga, kind in self.kinds.items()},
            {self.labels[saga]: ends[saga] for saga in self.kinds})
        marks = self.marks()
        self.assertEqual([], [
            (label, step, count) for label, steps in marks.items() for step, count in steps.items() if max(count) > 1])
        self.assertEqual(
            {self.labels[saga]: set(kind.steps) for saga, kind in self.kinds.items()},
            {label: {step for step, (made, unmade) in marks[label].items() if made > unmade}
             for label in self.labels.values()})
        kept = {self.labels[saga] for saga, kind in self.kinds.items() if kind.steps}
        self.assertEqual([], [
            (label, marks[label]) for label in kept if any(unmade for _, unmade in marks[label].values())])
