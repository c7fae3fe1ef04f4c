"""A disk that is full, and is given room again: nothing confirmed is lost, `troupe status` says what to do, and all
goes on by itself."""

import json
import os
import re
import subprocess
import urllib.error
import urllib.request

import namespaces
from event_systems import WITNESS, EventSystemTest, await_quiet, await_true, publish
from harness import BIN, new_id

SIZE = "24m"
PAGE = 1 << 16
# A body that does not fit into what is left at the end of a page of the file system.
LARGE = "x" * 60_000


class FullDisk(EventSystemTest):
    def setUp(self):
        self.running = self.system(
            {"witness": WITNESS, "notes": "{actor: notes}"}, nodes=("n1",), admin=True, more="limits: {body: 64KiB}")
        self.running.data.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(self.running.data)], check=True)
        self.addCleanup(subprocess.run, ["umount", "--lazy", str(self.running.data)], check=True)
        self.broker = self.running.broker()
        self.worker = self.running.worker()
        self.client = self.running.client()

    def fill(self):
        filler = os.open(self.running.data / "filler", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        self.addCleanup(os.close, filler)
        for size in (PAGE, 4096):  # The last page, too.
            try:
                while True:
                    os.write(filler, bytes(size))
            except OSError:
                continue

    def troubles(self) -> dict[str, dict]:
        done = subprocess.run([str(BIN / "troupe"), "status", str(self.running.file), "--json"],
                              capture_output=True, text=True, timeout=30, check=False)
        return {each["what"]: each for each in json.loads(done.stdout)["troubles"] if each["is"] == "wrong"}

    def told(self, begins: str) -> dict | None:
        return next((each for what, each in self.troubles().items() if what.startswith(begins)), None)

    def admin(self, path: str) -> str:
        with urllib.request.urlopen(f"http://{self.running.admin['b1']}{path}", timeout=30) as answer:
            return answer.read().decode()

    def check_of_journal(self) -> dict:
        try:
            said = self.admin("/health")
        except urllib.error.HTTPError as unhealthy:
            said = unhealthy.read().decode()
        return json.loads(said)["checks"]["journal"]

    def journal_failing(self) -> str:
        """What Prometheus alerts on."""
        return re.search(r"^troupe_broker_journal_failing (\d)$", self.admin("/metrics"), re.MULTILINE)[1]

    def test_journal_and_stores_are_told_of_and_go_on_by_themselves(self):
        kept = [new_id() for _ in range(20)]
        for each in kept:
            self.assertTrue(self.client.call("notes", "add", {"text": LARGE}, call_id=each).ok)
        confirmed = [publish(self.client, n, "a") for n in range(20)]
        self.confirm(confirmed)
        await_quiet(self.client, "witness")

        self.fill()
        asked = {"notes": {}, "publish": {}}

        def is_told(begins: str) -> dict | None:
            """Asks for more until it is told that nothing more can be kept."""
            note, seen = new_id(), new_id()
            replies = [self.client.call("notes", "add", {"text": LARGE}, call_id=note, ttl=2000),
                       self.client.call("troupe.publish", "noise.large", {"text": LARGE}, call_id=seen, ttl=2000)]
            for name, each, reply in zip(asked, (note, seen), replies):
                asked[name][each] = reply
            return self.told(begins)

        store = await_true(self.client, "the store is told of", lambda: is_told("the database of notes on n1"))
        journal = await_true(self.client, "the journal is told of", lambda: is_told("the journal at broker b1"))
        self.assertIn("full", store["why"])
        self.assertIn("full", journal["why"])
        for each in (store, journal):
            self.assertIn("free some space where the databases are", each["next"])
        self.assertEqual("unhealthy", self.check_of_journal()["status"])
        self.assertIn("full", self.check_of_journal()["error"])
        self.assertEqual("1", self.journal_failing())
        screen = subprocess.run([str(BIN / "troupe"), "status", str(self.running.file)], capture_output=True,
                                text=True, timeout=30, check=False).stdout
        self.assertIn("test is degraded", screen)
        self.assertGreaterEqual(100, max(map(len, screen.splitlines())))

        os.truncate(self.running.data / "filler", 0)
        await_true(self.client, "notes are taken again",
                   lambda: self.client.call("notes", "add", {"text": "after"}, ttl=2000).ok)
        await_true(self.client, "events are taken again",
                   lambda: self.client.call("troupe.publish", "sight.seen", {"n": 20}, key="a", ttl=2000).ok)
        await_true(self.client, "nothing is wrong any more", lambda: not self.troubles())
        self.assertEqual("healthy", self.check_of_journal()["status"])
        self.assertEqual("0", self.journal_failing())
        self.assertIsNone(self.worker.child.poll())
        self.assertIsNone(self.broker.child.poll())
        await_quiet(self.client, "witness")
        # What was confirmed is there; what was refused without an effect is not.
        for name, database, statement in (("notes", "notes", "SELECT note_id FROM notes"),
                                          ("publish", "journal", "SELECT id FROM events")):
            there = {row[0] for row in self.running.rows(database, statement)}
            self.assertLessEqual({each for each, reply in asked[name].items() if reply.ok}, there)
            self.assertEqual(set(), {each for each, reply in asked[name].items()
                                     if not reply.ok and reply.error["effect"] == "none"} & there)
        self.assertLessEqual(set(kept), {row[0] for row in self.running.rows("notes", "SELECT note_id FROM notes")})
        seen = [n for key, n in self.sights(self.running) if key == "a"]
        self.assertEqual(list(range(21)), seen)


if __name__ == "__main__":
    namespaces.main()
