"""Orders of two people who act at once, on sagas that go on and change their owners meanwhile; and two owners at once."""

import json
import random
import re
import subprocess
import sys
import threading
import unittest
import urllib.request

import msgpack

from every_saga import COMPLETED, KINDS, OWNERS, PARTICIPANTS, PARKED, PROGRAMS, EverySagaTest, drawn
from harness import PATIENCE, Client, System, new_id, text_of

ORDERED = 11
VERBS = ("pause", "park", "resume", "retry", "compensate", "skip")
# What a saga of an operation does, in the end, if nobody skips anything.
STEPS = {operation: set().union(*(kind.steps for kind in KINDS.values() if kind.operation == operation))
         for operation in {kind.operation for kind in KINDS.values()}}
STEPS["ignored"], STEPS["inner"] = {"a", "b"}, {"in_a", "in_b"}
STEP_NAMES = ("a", "b", "c", "d", "in_a", "in_b", "inner", "wait", "passing")
# Whoever is not there is not waited for long.
ORDER_MS = 2_000


class Operator(threading.Thread):
    """A person who gives orders as fast as they are answered, to any saga, of any kind. Each has a reason of its own."""

    def __init__(self, system: System, name: str, dice: random.Random, sagas: list[bytes], orders: int):
        super().__init__(daemon=True)
        self._client = Client(system.context, system.endpoints["b1"])
        self._name, self._dice, self._sagas, self._orders = name, dice, sagas, orders
        self.obeyed: dict[str, tuple[bytes, str, str]] = {}
        self.refused: dict[str, list] = {}
        self.unknown: dict[str, tuple[bytes, str, str]] = {}
        self.failed: Exception | None = None

    def run(self) -> None:
        try:
            for number in range(self._orders):
                self.order(f"{self._name}-{number}.")
        except Exception as failed:  # Told by whoever joins the thread.
            self.failed = failed
        self._client.close()

    def order(self, why: str) -> None:
        saga, verb = self._dice.choice(self._sagas), self._dice.choice(VERBS)
        step = self._dice.choice(STEP_NAMES) if verb == "skip" else ""
        vouched = verb == "skip" and self._dice.random() < 0.5
        told = []
        for node in self._dice.sample(OWNERS, 2):
            reply = self._client.call(f"troupe.node.{node}", "order_saga", {
                "capability": "sagas", "id": saga, "verb": verb, "step": step, "vouched": vouched, "who": self._name,
                "why": why}, ttl=ORDER_MS)
            told.append((node, verb, step, reply))
            if reply.ok or (reply.error.get("details") or {}).get("reason") not in ("elsewhere", "not_waiting"):
                break
        if reply.ok:
            self.obeyed[why] = saga, verb, step
        elif reply.error["effect"] == "none":
            self.refused[why] = told
        else:
            self.unknown[why] = saga, verb, step


class OrdersAtOnce(EverySagaTest):
    def resume_all(self) -> bool:
        """Has each parked saga go on; whether all are over."""
        for saga, in self.made.rows("sagas", "SELECT id FROM sagas WHERE phase = ?", PARKED):
            for node in OWNERS:
                self.client.call(f"troupe.node.{node}", "order_saga", {
                    "capability": "sagas", "id": saga, "verb": "resume", "step": "", "vouched": False,
                    "who": "the test", "why": "it is over"}, ttl=ORDER_MS)
        return self.unfinished() == 0

    def reasons(self) -> list[str]:
        """The reasons of all orders that are in a journal."""
        return [msgpack.unpackb(data)["why"] for data, in self.made.rows(
            "sagas", "SELECT data FROM saga_journal WHERE kind = ?", ORDERED)]

    def label_of(self, saga: bytes) -> str:
        started, = self.made.rows("sagas", "SELECT data FROM saga_journal WHERE saga = ? AND seq = 1", saga)
        return msgpack.unpackb(started[0][16:])["label"]

    def assert_consistent(self, skipped: list[tuple[bytes, str, str]]) -> None:
        """What stands is what the ends say, but for steps that a person skipped."""
        done_by_hand = {(self.label_of(saga), step) for saga, verb, step in skipped if verb == "skip"}
        done_by_hand |= {(label, step) for label, inner in done_by_hand if inner == "inner" for step in STEPS["inner"]}
        ends = dict(self.made.rows("sagas", "SELECT id, phase FROM sagas"))
        marks = self.marks()
        self.assertEqual([], [
            (label, step, count) for label, steps in marks.items() for step, count in steps.items() if max(count) > 1])
        for saga, kind in self.kinds.items():
            label = self.labels[saga]
            stands = {step for step, (made, unmade) in marks[label].items() if made > unmade}
            steps = set(STEPS[kind.operation])
            if kind.operation == "chosen" and not kind.extra:
                steps.discard("b")
            wanted = steps if ends[saga] == COMPLETED else set()
            by_hand = {step for of, step in done_by_hand if of == label}
            self.assertEqual(wanted - by_hand, stands - by_hand, f"{label} {text_of(saga)}: {marks[label]} {by_hand}")

    def test_two_people_give_orders_while_sagas_end_and_their_owners_die(self):
        dice = drawn()
        self.start()
        self.up(*OWNERS)
        self.begin_each(4)
        sagas = list(self.kinds)
        people = [Operator(self.made, name, random.Random(dice.random()), sagas, 250) for name in ("ann", "bob")]
        for each in people:
            each.start()
        self.await_true("some stand still, or turn back", lambda: all(len(each.obeyed) > 20 for each in people))
        self.running.append(self.made.worker(PARTICIPANTS, joined=False))
        self.say_words_to_who_waits()
        for _ in range(4):
            wanted = self.journaled() + dice.randint(20, 150)
            self.await_true("they go on", lambda: self.journaled() >= wanted or not any(
                each.is_alive() for each in people))
            number = dice.choice((1, 2))
            self.running[number].kill()
            self.running[number] = self.made.worker(OWNERS[number - 1], joined=False)
        for each in people:
            each.join(20 * PATIENCE)
            self.assertIsNone(each.failed)
        self.await_true("all end", self.resume_all)

        written = self.reasons()
        taken_over = self.number("SELECT COUNT(*) FROM sagas WHERE epoch > 1")
        print(f"obeyed, refused, not known: {[tuple(map(len, (each.obeyed, each.refused, each.unknown))) for each in people]}; "
              f"{taken_over} of {self.number('SELECT COUNT(*) FROM sagas')} sagas taken over", file=sys.stderr)
        for each in people:
            self.assertEqual([], [why for why in each.obeyed if written.count(why) != 1])
            self.assertEqual([], [(why, told) for why, told in each.refused.items() if why in written])
            self.assertEqual([], [why for why in each.unknown if written.count(why) > 1])
            self.assertGreater(len(each.obeyed), 20)
        self.assert_consistent([order for each in people for order in (*each.obeyed.values(), *each.unknown.values())])

    # As a broker repeats it, when a node has died that had obeyed it and not answered yet.
    def test_an_order_that_comes_again_under_its_id_is_obeyed_once_and_answered_as_before(self):
        self.start()
        self.up(*OWNERS)
        self.await_joined()
        saga = self.begin("asked_yes", "asked")
        self.await_true("it has begun", lambda: self.number("SELECT COUNT(*) FROM sagas") == 1)
        node, = self.made.rows("sagas", "SELECT node FROM sagas JOIN writers ON writers.id = writer")[0]

        def order(verb: str, call: bytes):
            return self.client.call(f"troupe.node.{node}", "order_saga", {
                "capability": "sagas", "id": saga, "verb": verb, "step": "", "vouched": False, "who": "ann",
                "why": "as I said"}, call_id=call, ttl=ORDER_MS)
        paused, resumed = new_id(), new_id()
        self.assertEqual("paused", order("pause", paused).body["state"])
        self.assertTrue(order("pause", paused).ok)
        self.assert_code("rejected", order("pause", new_id()))
        self.assert_code("conflict", order("park", paused))
        self.assertTrue(order("resume", resumed).ok)
        self.kill_all()
        self.up(*OWNERS, PARTICIPANTS)
        self.await_joined()
        self.assertTrue(order("pause", paused).ok)
        self.assertTrue(order("resume", resumed).ok)

        self.say_words()
        self.await_true("it ends", lambda: self.unfinished() == 0)
        self.assertEqual(2, len(self.reasons()))
        self.assert_ended_right()

    def say_words_to_who_waits(self) -> None:
        """As `say_words`; to sagas that a person has turned back meanwhile nothing can be said."""
        said = [self.client.send("sagas", "say", {"saga": saga, "yes": kind.word}, ttl=60_000) if kind.operation == "asked"
                else self.client.send("troupe.publish", "word.said", {"saga": saga, "yes": kind.word}, key=text_of(saga),
                                      ttl=60_000)
                for saga, kind in self.kinds.items() if kind.word is not None]
        answers = self.client.collect(said, within=4 * PATIENCE)
        self.assertEqual(len(said), len(answers))
        self.assertEqual([], [each for each in answers.values() if not each.ok and each.code != "rejected"])


class TwoOwners(EverySagaTest):
    """A process that stood still past its time has an heir, and goes on when all that it knows is old."""

    def test_an_owner_that_stood_still_writes_nothing_under_its_old_epoch_and_sagas_end_once(self):
        dice = drawn()
        self.start(admin=True)
        at = dice.randint(3, 12)
        self.up()
        stopped = self.made.worker("n1", joined=False, faults=f"turn.before_replies=stop@{at}")
        self.running += [stopped, self.made.worker(PARTICIPANTS, joined=False)]
        self.await_joined()
        for name in KINDS:
            for number in range(3):
                self.begin(name, f"{name}-{number}")
        stopped.await_frozen()
        owned, = {writer for writer, in self.made.rows("sagas", "SELECT id FROM writers WHERE node = 'n1'")}
        self.running.append(self.made.worker("n2", joined=False))
        self.await_true("all have begun", lambda: len(self.kinds) == self.number(
            "SELECT COUNT(*) FROM sagas WHERE operation <> 'inner'"))
        self.await_true("what the stopped one had is taken over", lambda: 0 == self.number(
            "SELECT COUNT(*) FROM sagas WHERE phase < 2 AND writer = ?", owned))
        self.say_words()
        if dice.random() < 0.5:  # It goes on while the heir is at work, or once all is over.
            self.await_true("all end", lambda: self.unfinished() == 0)

        before = self.written_by(owned)
        stopped.thaw()
        fenced = stopped.wait_for("store.fenced", capability="sagas")
        self.await_true("all end", lambda: self.unfinished() == 0)

        self.assertNotEqual(str(owned), fenced["writer"])
        self.assert_ended_right()
        self.assertGreater(len(before), 0)
        self.assertEqual(before, self.written_by(owned))
        self.assertEqual([], self.made.rows(  # No epoch comes back behind a later one.
            "sagas", "SELECT later.saga, later.seq FROM saga_journal AS later JOIN saga_journal AS earlier "
            "ON later.saga = earlier.saga AND later.seq > earlier.seq AND later.epoch < earlier.epoch"))
        with urllib.request.urlopen(f"http://{self.made.admin['n1']}/metrics", timeout=PATIENCE) as answer:
            counted = re.search(r'troupe_worker_fenced_total\{capability="sagas"\} (\d+)', answer.read().decode())
        self.assertEqual("1", counted and counted[1])
        taken_over, = self.made.rows("sagas", "SELECT id FROM sagas WHERE epoch = 2 LIMIT 1")[0]
        shown = subprocess.run([str(PROGRAMS / "troupe"), "saga", "show", str(self.made.file), text_of(taken_over), "--json"],
                               capture_output=True, text=True, timeout=2 * PATIENCE, check=True).stdout
        self.assertEqual({(1, "n1"), (2, "n2")}, {
            (each["epoch"], each["node"]) for each in json.loads(shown)["records"]})

    def written_by(self, writer: int) -> list[tuple]:
        """What that process wrote of sagas that others have taken over since. Of inner sagas others may be told to undo
        them, which takes them over, too."""
        return self.made.rows(
            "sagas", "SELECT saga, seq FROM saga_journal JOIN saga_owners USING (saga, epoch) JOIN sagas ON sagas.id = saga "
            "WHERE saga_owners.writer = ? AND operation <> 'inner' ORDER BY saga, seq", writer)


if __name__ == "__main__":
    unittest.main()
