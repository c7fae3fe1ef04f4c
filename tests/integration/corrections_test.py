"""What reconciliation has corrected over the deaths of its workers, and queries that answer more than was asked for."""

import contextlib
import json
import sqlite3
import subprocess
import unittest

import msgpack

from every_saga import COMPLETED, PATIENT, PROGRAMS, drawn
from event_systems import await_true
from harness import PATIENCE, System, SystemTest, new_id, text_of

RULES = """invariants:
  left_has_right:
    left: {capability: left, query: all, rows: marks, key: saga}
    right: {capability: right, query: all, rows: marks, key: saga}
    match: left
    settle: 0s
"""
CONFIG = ("{invariants: rules.yaml, every: 1s, recheck: 100ms, pause: 1ms, page: 10, "
          "correct: {left_has_right: menders.mend}}")
OK, FAULTS, FAILED = 0, 1, 4


class Books(SystemTest):
    def start(self, capabilities: dict[str, str], nodes: tuple = ("n1",), more: str = PATIENT) -> System:
        system = self.system(capabilities, nodes=nodes, more=more, programs=PROGRAMS)
        (system.folder / "rules.yaml").write_text(RULES)
        system.broker()
        self.workers = {each: system.worker(each) for each in nodes}
        self.client = system.client()
        return system

    def mark_both(self, count: int) -> list[bytes]:
        """So many marks, on both sides."""
        marks = [new_id() for _ in range(count)]
        said = [self.client.send(side, "make", {"saga": each, "label": "good", "step": "a", "is_refused": False},
                                 ttl=60_000) for each in marks for side in ("left", "right")]
        answers = self.client.collect(said)
        self.assertEqual(len(said), len([each for each in answers.values() if each.ok]))
        return marks

    def lose(self, system: System, mark: bytes) -> None:
        with contextlib.closing(sqlite3.connect(
                system.data / "right.db", timeout=PATIENCE, isolation_level=None)) as session:
            session.execute("DELETE FROM marks WHERE saga = ?", (mark,))


class Corrected(Books):
    def told(self, system: System, topic: str) -> list[str]:
        with contextlib.closing(sqlite3.connect(system.data / "journal.db", timeout=PATIENCE)) as session:
            return [msgpack.unpackb(body)["orderId"] for body, in session.execute(
                "SELECT body FROM events JOIN topics ON topics.id = events.topic WHERE topics.name = ?", (topic,))]

    def test_each_case_has_its_saga_once_over_the_deaths_of_workers_and_is_closed_when_it_holds_again(self):
        dice = drawn()
        both = "{nodes: [n1, n2]}"
        system = self.start({
            "left": "{actor: marks, nodes: [n1, n2]}", "right": "{actor: marks, nodes: [n1, n2]}", "menders": both,
            "reconciliation": f"{{nodes: [n1, n2], config: {CONFIG}}}"}, nodes=("n1", "n2"))
        lost = dice.sample(self.mark_both(12), 4)
        for each in lost:
            self.lose(system, each)

        def told_of(topic: str) -> list[str]:
            return self.told(system, f"data.inconsistency.{topic}")

        for number in range(2):  # Once a case is told of, and once a saga has begun.
            await_true(self.client, "something is found", lambda: told_of("detected") and (
                number == 0 or system.rows("menders", "SELECT 1 FROM sagas")), within=4 * PATIENCE)
            node = dice.choice(("n1", "n2"))
            self.workers[node].kill()
            self.workers[node] = system.worker(node)
        await_true(self.client, "all hold again", lambda: len(told_of("resolved")) == len(lost), within=6 * PATIENCE)

        ids = sorted(map(text_of, lost))
        self.assertEqual((ids, ids), (sorted(told_of("detected")), sorted(told_of("resolved"))))
        self.assertEqual([("mended", 1)] * len(lost), [system.rows(
            "right", "SELECT label, made FROM marks WHERE saga = ?", each)[0] for each in lost])
        self.assertEqual([(COMPLETED,)] * len(lost), system.rows("menders", "SELECT phase FROM sagas"))

        def corrections() -> list[tuple]:
            cases = self.client.call("reconciliation", "cases", {"closed": True}).body["cases"]
            return sorted((each["key"], each["correction"], each["times"]) for each in cases)
        await_true(self.client, "it is noted", lambda: corrections() == [(each, "done", 1) for each in ids])
        self.assertEqual([], self.client.call("reconciliation", "cases", {}).body["cases"])


class MoreThanAskedFor(Books):
    """The query `all` of these capabilities does not look at `count`."""

    def reconcile(self, system: System, *more: str, code: int) -> list[dict]:
        done = subprocess.run(
            [str(PROGRAMS / "troupe"), "reconcile", str(system.file), str(system.folder / "rules.yaml"), "--json",
             "--recheck", "50ms", "--pause", "1ms", "--page", "2", *more],
            capture_output=True, text=True, timeout=2 * PATIENCE, check=False)
        self.assertEqual(code, done.returncode, done.stdout + done.stderr)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def test_more_rows_than_were_asked_for_are_all_compared(self):
        system = self.start({side: "{actor: marks, replicas: 1}" for side in ("left", "right")})
        marks = self.mark_both(30)
        self.lose(system, marks[20])

        said = self.reconcile(system, code=FAULTS)

        self.assertEqual([text_of(marks[20])], [each["key"] for each in said if "key" in each])
        self.assertEqual((30, 29, 30), tuple(said[-1][each] for each in ("left_rows", "right_rows", "judged")))

    def test_more_rows_than_fit_into_an_answer_are_an_error_that_says_what_to_do(self):
        system = self.start({side: "{actor: marks, replicas: 1}" for side in ("left", "right")},
                            more=f"limits: {{body: 4KiB}}\n{PATIENT}")
        self.mark_both(300)

        said = self.reconcile(system, code=FAILED)

        self.assertIn("`left_has_right` was not compared at all", said[0]["error"]["message"])
        self.assertIn("`limits: {body: ...}`", said[0]["error"]["message"])
        self.assertIn("make it respect `count`", said[0]["error"]["next"])
        self.assertTrue(self.client.call("left", "make", {
            "saga": new_id(), "label": "more", "step": "a", "is_refused": False}).ok)  # Nobody else was hurt.


if __name__ == "__main__":
    unittest.main()
