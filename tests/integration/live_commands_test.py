"""The commands of events against real processes: publish, tail, topics, dead-letters."""

import json
import signal
import subprocess
import threading
import time
import unittest

from harness import BIN, PATIENCE, SOURCE, System, SystemTest, new_id, text_of

WITNESS = "{actor: witness, subscribes: [sight.*], retry: {attempts: 2, backoff: 10ms..20ms}}"


class Tail:
    """`troupe tail --json` as it runs."""

    def __init__(self, system: System, *words: str):
        self.events: list[dict] = []
        self.notes: list[str] = []
        self._news = threading.Condition()
        self.child = subprocess.Popen(
            [str(BIN / "troupe"), "tail", str(system.file), *words, "--json"],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self._readers = [
            threading.Thread(target=self._read, args=(self.child.stdout, self._event), daemon=True),
            threading.Thread(target=self._read, args=(self.child.stderr, self.notes.append), daemon=True)]
        for each in self._readers:
            each.start()

    def _event(self, line: str) -> None:
        self.events.append(json.loads(line))

    def _read(self, stream, take) -> None:
        for line in stream:
            with self._news:
                take(line)
                self._news.notify_all()

    def wait(self, condition) -> None:
        with self._news:
            if not self._news.wait_for(condition, PATIENCE):
                raise AssertionError(f"after {PATIENCE} s: {self.events[-3:]} {self.notes}")

    def stop(self) -> int:
        self.child.send_signal(signal.SIGINT)
        return self.end()

    def drop(self) -> None:
        if self.child.poll() is None:
            self.child.kill()
        self.end()

    def end(self) -> int:
        code = self.child.wait(PATIENCE)
        for each in self._readers:
            each.join(PATIENCE)
        self.child.stdout.close()
        self.child.stderr.close()
        return code


class EventCommands(SystemTest):
    def start(self, capabilities: dict[str, str] | None = None, **more: object) -> System:
        system = self.system(capabilities or {"witness": WITNESS}, nodes=("n1",), **more)
        self.broker = system.broker()
        return system

    def run_troupe(self, system: System, command: str, *words: str) -> subprocess.CompletedProcess:
        return subprocess.run(
            [str(BIN / "troupe"), *command.split(), str(system.file), *words],
            capture_output=True, text=True, timeout=2 * PATIENCE, check=False)

    def ok(self, system: System, command: str, *words: str) -> str:
        done = self.run_troupe(system, command, *words)
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)
        return done.stdout

    def tail(self, system: System, *words: str) -> Tail:
        made = Tail(system, *words)
        self.addCleanup(made.drop)
        return made

    def await_topics(self, system: System, condition) -> dict:
        until = time.monotonic() + 2 * PATIENCE
        while True:
            found = json.loads(self.ok(system, "topics", "--json"))
            if condition(found):
                return found
            self.assertLess(time.monotonic(), until, found)

    def test_what_is_published_is_followed_and_repeated_only_once(self):
        system = self.start()
        event = text_of(new_id())

        first = self.ok(system, "publish", "sight.seen", '{"n": 0}', "--key", "a", "--id", event)
        again = self.ok(system, "publish", "sight.seen", '{"n": 0}', "--key", "a", "--id", event)
        other = self.run_troupe(system, "publish", "sight.seen", '{"n": 1}', "--key", "a", "--id", event)
        self.ok(system, "publish", "else", "[1,2]")
        lines = self.ok(system, "tail", "sight.*", "--from", "oldest", "--count", "1", "--json")
        text = self.ok(system, "tail", "--from", "oldest", "--count", "2")

        self.assertIn("is published, at position 1", first)
        self.assertIn("was published before, at position 1", again)
        self.assertEqual(4, other.returncode)
        self.assertIn("conflict", other.stderr)
        seen = json.loads(lines)
        self.assertEqual((1, "sight.seen", "a", {"n": 0}, event),
                         tuple(seen[each] for each in ("position", "topic", "key", "body", "id")))
        self.assertIn("[1,2]", text)

    def test_tail_follows_over_a_killed_broker_without_a_gap(self):
        system = self.start()
        self.ok(system, "publish", "sight.old", '{"n": 0}')
        tail = self.tail(system, "sight.*")
        # It is told apart from what was there before by the first event it sees.
        until = time.monotonic() + PATIENCE
        count = 0
        while not tail.events and time.monotonic() < until:
            self.ok(system, "publish", "sight.seen", json.dumps({"n": count}))
            count += 1
        first = tail.events[0]["body"]["n"]
        for n in range(count, count + 5):
            self.ok(system, "publish", "sight.seen", json.dumps({"n": n}))

        self.broker.kill()
        system.broker()
        for n in range(count + 5, count + 10):
            self.ok(system, "publish", "sight.seen", json.dumps({"n": n}))

        tail.wait(lambda: tail.events and tail.events[-1]["body"]["n"] == count + 9)
        self.assertEqual(0, tail.stop())
        self.assertEqual(list(range(first, count + 10)), [each["body"]["n"] for each in tail.events])

    def test_events_are_published_later(self):
        system = self.start()
        tail = self.tail(system, "sight.*", "--from", "oldest", "--count", "2")

        soon = self.ok(system, "publish", "sight.seen", '{"n": 1}', "--after", "300ms")
        self.ok(system, "publish", "sight.seen", '{"n": 2}', "--at", "2026-01-01T00:00:00Z")

        self.assertIn("will be published at", soon)
        self.assertEqual(0, tail.end())
        self.assertEqual({1, 2}, {each["body"]["n"] for each in tail.events})

    def test_what_a_running_system_costs_is_told(self):
        system = self.start()
        system.worker("n1")
        self.ok(system, "publish", "sight.seen", '{"n": 1}')
        said = subprocess.run(
            ["/usr/bin/python3", str(SOURCE / "examples" / "observability" / "costs.py"), str(system.file),
             "--seconds", "0.2", "--troupe", str(BIN / "troupe")],
            capture_output=True, text=True, timeout=PATIENCE, check=False)
        self.assertEqual("", said.stderr)
        self.assertRegex(said.stdout, r"(?m)^n1 +[1-9][0-9.]* MiB$")
        self.assertRegex(said.stdout, r"(?m)^witness +[0-9.]+ +[0-9.]+ MiB")
        self.assertRegex(said.stdout, r"(?m)^sight.seen +[0-9.]+ +[0-9.]+ MiB +[1-9][0-9]* B$")

    def test_what_is_scheduled_is_listed_and_cancelled_for_good(self):
        system = self.start()
        system.worker("n1")
        self.assertTrue(system.client().call("witness", "publish", {
            "topic": "sight.later", "key": "k", "keys": 1, "first": 7, "count": 2, "after": 1_800_000}).ok)
        for key in ("a", "b"):
            self.ok(system, "publish", "sight.seen", '{"n": 1}', "--after", "1h", "--key", key)
        self.ok(system, "publish", "sight.gone", '{"n": 2}', "--after", "2h")

        listed = [json.loads(line) for line in
                  self.ok(system, "scheduled list", "--json", "--topic", "sight.seen").splitlines()]
        first = listed[0]["id"]
        self.assertEqual(["a", "b"], [each["key"] for each in listed])
        everything = [json.loads(line) for line in self.ok(system, "scheduled list", "--json").splitlines()]
        self.assertEqual(["witness", "witness", "", "", ""], [each["capability"] for each in everything])
        self.assertIn(first, self.ok(system, "scheduled list", "--due-before", "90m"))
        self.assertIn("2, next in 59m", self.ok(system, "topics"))
        self.assertIn('"n": 1', self.ok(system, "scheduled show", first))
        timer = everything[0]["id"]
        self.assertIn("of     witness, in whose database", self.ok(system, "scheduled show", timer))
        kept = self.run_troupe(system, "scheduled cancel", timer, "--reason", "no more")
        self.assertEqual(3, kept.returncode)
        self.assertIn("is a timer of `witness`", kept.stderr)
        self.assertIn("call the operation of `witness`", kept.stderr)
        self.assertIn("will not be published",
                      self.ok(system, "scheduled cancel", first, "--reason", "sold out"))
        self.broker.kill()
        self.broker = system.broker()

        again = self.run_troupe(system, "scheduled cancel", first, "--reason", "once more")
        left = self.ok(system, "scheduled list", "--json").splitlines()
        self.assertEqual(3, again.returncode)
        self.assertIn("was cancelled by", again.stderr)
        self.assertIn("sold out", again.stderr)
        self.assertEqual(4, len(left))
        self.assertNotIn(first, "".join(left))
        self.assertEqual([(1,)], system.rows("journal", "SELECT count(*) FROM cancelled"))

    def test_more_topics_than_one_answer_may_have_are_all_listed(self):
        system = self.start(more="limits: {body: 64KiB}")
        client = system.client()
        names = sorted(f"{'x' * 50}.n{n}" for n in range(2_000))
        client.collect([client.send("troupe.publish", each, {}) for each in names])
        found = json.loads(self.ok(system, "topics", "--json"))
        self.assertEqual(names, [each["topic"] for each in found["topics"]])
        self.assertEqual(["witness"], [each["capability"] for each in found["groups"]])

    def test_topics_and_dead_letters_tell_what_happened(self):
        system = self.start()
        system.worker("n1")
        self.ok(system, "publish", "sight.seen", '{"n": 0}', "--key", "a")
        self.ok(system, "publish", "sight.seen", '{"n": 0, "act": "reject"}', "--key", "b")
        self.ok(system, "publish", "sight.seen", '{"n": 0, "act": "fail", "times": 2}', "--key", "c")

        found = self.await_topics(system, lambda each: each["groups"][0]["dead"] == 2)
        letters = [json.loads(line) for line in
                   self.ok(system, "dead-letters list", "--json").splitlines()]
        by_key = {each["key"]: each for each in letters}
        shown = self.ok(system, "dead-letters show", by_key["b"]["id"])
        table = self.ok(system, "dead-letters list")
        report = self.ok(system, "topics")

        self.assertEqual("witness", found["groups"][0]["capability"])
        self.assertEqual(3, found["topics"][0]["events"])
        self.assertEqual({"b": "rejected", "c": "transient"},
                         {key: each["cause"] for key, each in by_key.items()})
        self.assertIn('"act": "reject"', shown)
        self.assertIn("n1, replica 0", shown)
        self.assertIn(by_key["c"]["id"], table)
        self.assertIn("dead-letters list", report)

        self.assertIn("1 event is delivered again",
                      self.ok(system, "dead-letters retry", by_key["c"]["id"]))
        # It fails as often as before, and is a dead letter anew.
        self.await_topics(
            system, lambda each: each["groups"][0]["cursor"] == 4 and each["groups"][0]["dead"] == 2)
        anew = [json.loads(line) for line in
                self.ok(system, "dead-letters list", "--json").splitlines()]
        self.assertEqual({("b", 2), ("c", 4)}, {(each["key"], each["position"]) for each in anew})
        for each in anew:
            self.ok(system, "dead-letters drop", each["id"])
        self.assertEqual("there are no dead letters\n", self.ok(system, "dead-letters list"))
        gone = self.run_troupe(system, "dead-letters show", by_key["b"]["id"])
        self.assertEqual(3, gone.returncode)
        self.assertIn("no_dead_letter", gone.stderr)
        self.assertEqual([("a",)], system.rows("witness", "SELECT key FROM sights ORDER BY key"))

    def test_another_broker_says_who_keeps_the_journal(self):
        system = self.start(brokers=("b1", "b2"))
        system.broker("b2")

        done = subprocess.run(
            [str(BIN / "troupe"), "publish", "--broker", system.endpoints["b2"], "a", "{}"],
            capture_output=True, text=True, timeout=PATIENCE, check=False)

        self.assertEqual(4, done.returncode)
        self.assertIn("unavailable", done.stderr)
        self.assertIn("ask broker b1", done.stderr)


if __name__ == "__main__":
    unittest.main()
