"""Copies of databases and of the journal that are brought back: nothing is lost or done twice, or it
is refused in words, over every restart, until a person says how to go on."""

import contextlib
import pathlib
import signal
import sqlite3
import subprocess
import unittest

from event_systems import WITNESS, EventSystemTest, await_quiet, await_true, publish, topics
from harness import BIN, System, new_id

CAPABILITIES = {"witness": WITNESS, "source": "{actor: witness}"}


class RestoredCopiesTest(EventSystemTest):

    def stop(self, broker: bool = True) -> None:
        """Stops the worker and the broker in order."""
        for each in self.workers + ([self.broker] if broker else []):
            each.signal(signal.SIGTERM)
            self.assertEqual(0, each.await_end())

    def go_on(self, system: System, broker: bool = True) -> None:
        if broker:
            self.broker = system.broker()
        self.workers = [system.worker()]

    def restart(self, system: System) -> None:
        self.stop()
        self.go_on(system)

    def copy(self, system: System, *names: str) -> dict[pathlib.Path, bytes]:
        """What the files of these databases hold now, which nobody has open."""
        return {file: file.read_bytes() for name in names for file in system.data.glob(f"{name}.db*")}

    def bring_back(self, system: System, copy: dict[pathlib.Path, bytes]) -> None:
        for name in {file.name.split(".")[0] for file in copy}:
            for file in system.data.glob(f"{name}.db*"):
                file.unlink()
        for file, held in copy.items():
            file.write_bytes(held)

    def dump(self, system: System) -> dict[str, list[str]]:
        """All that the databases say, the journal's generation and lives among it."""
        found = {}
        for name in ("journal", "witness", "source"):
            with contextlib.closing(sqlite3.connect(system.data / f"{name}.db")) as session:
                found[name] = list(session.iterdump())
        return found

    def emit(self, first: int, count: int, call_id: bytes = b"") -> None:
        """Has `source` publish events `first` to `first + count - 1` of the key k0, in one turn."""
        reply = self.client.call("source", "publish", {
            "topic": "sight.seen", "key": "k", "keys": 1, "first": first, "count": count},
            call_id=call_id or new_id())
        self.assertTrue(reply.ok, reply)

    def await_confirmed(self, system: System, upto: int) -> None:
        await_true(self.client, f"{upto} events of the outbox are confirmed", lambda: system.rows(
            "source", "SELECT confirmed FROM outbox_mark") == [(upto,)])

    def seen(self, system: System, key: str) -> list[int]:
        return [n for each, n in self.sights(system) if each == key]

    def group(self) -> dict:
        found = {each["capability"]: each for each in topics(self.client)["groups"]}
        return found["witness"]

    def outbox_trouble(self) -> str:
        status = self.client.call("troupe.node.n1", "status", ttl=10_000).body
        return next(each["outbox_trouble"] for each in status["groups"]
                    if each["capability"] == "source")

    def await_outbox_trouble(self, text: str) -> None:
        await_true(self.client, f"the outbox is refused: {text}",
                   lambda: text in self.outbox_trouble())

    def await_events_trouble(self, text: str) -> None:
        await_true(self.client, f"events are refused: {text}",
                   lambda: text in (self.group().get("trouble") or ""))

    def troupe_restore(self, system: System, *more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([str(BIN / "troupe"), "restore", str(system.file), *more],
                              cwd=system.folder, capture_output=True, text=True, timeout=60)

    def test_a_restored_outbox_stays_refused_until_a_person_lets_both_go_on(self):
        system = self.start(CAPABILITIES)
        self.emit(0, 5)
        self.await_confirmed(system, 5)
        self.stop(broker=False)
        before = self.copy(system, "source")
        self.go_on(system, broker=False)
        lost = new_id()
        self.emit(5, 5)
        self.emit(10, 5, lost)
        self.await_confirmed(system, 15)
        self.stop(broker=False)
        self.bring_back(system, before)
        self.go_on(system, broker=False)

        self.await_outbox_trouble("restored from a backup")
        self.emit(100, 5)
        self.emit(10, 5, lost)  # Repeated, it gives its events the numbers that they had.
        self.emit(105, 7)  # Now the outbox has more events than the journal took.
        for _ in range(2):
            self.restart(system)
            self.await_outbox_trouble("restored from a backup")
        self.stop(broker=False)
        self.go_on(system, broker=False)
        self.await_outbox_trouble("restored from a backup")
        self.assertEqual(list(range(15)), self.seen(system, "k0"))
        ((kept,),) = system.rows("source", "SELECT COUNT(*) FROM outbox WHERE seq > 5")
        self.assertEqual(17, kept, "events that no journal has were deleted")

        used = self.troupe_restore(system)
        self.assertEqual(4, used.returncode, used.stdout + used.stderr)
        self.assertIn("in use", used.stderr)
        self.stop()
        with contextlib.closing(sqlite3.connect(system.data / "source.db")) as session, session:
            session.execute("DROP TABLE unsettled")  # As a release before that had it.
            session.execute("DELETE FROM schema_versions WHERE component = 'troupe.unsettled'")
        dumped = self.dump(system)
        asked = self.troupe_restore(system)
        self.assertEqual(4, asked.returncode, asked.stdout + asked.stderr)
        self.assertIn("source: its database is an older copy", asked.stdout)
        self.assertEqual(dumped, self.dump(system), "who only asked has changed something")
        accepted = self.troupe_restore(system, "--accept")
        self.assertEqual(0, accepted.returncode, accepted.stdout + accepted.stderr)
        accepted_as = self.dump(system)
        self.assertNotEqual(dumped, accepted_as)
        self.assertEqual(0, self.troupe_restore(system).returncode)
        self.assertEqual(0, self.troupe_restore(system, "--accept").returncode)
        self.assertEqual(accepted_as, self.dump(system), "there was nothing to accept")
        self.go_on(system)
        self.emit(112, 1)
        expected = [*range(15), *range(100, 113)]
        await_true(self.client, "what was refused is handled",
                   lambda: len(self.seen(system, "k0")) >= len(expected))
        await_quiet(self.client, "witness")
        self.assertEqual(expected, self.seen(system, "k0"))
        self.assertEqual("", self.outbox_trouble())

    def test_a_restored_journal_stays_refused_until_a_person_lets_both_go_on(self):
        system = self.start(CAPABILITIES)
        self.emit(0, 5)
        self.confirm([publish(self.client, n, "c") for n in range(3)])
        await_quiet(self.client, "witness")
        self.await_confirmed(system, 5)
        self.stop()
        before = self.copy(system, "journal")
        self.go_on(system)
        self.emit(5, 5)
        self.confirm([publish(self.client, n, "c") for n in range(3, 6)])
        await_quiet(self.client, "witness")
        self.await_confirmed(system, 10)
        self.stop()
        self.bring_back(system, before)
        self.go_on(system)

        self.await_events_trouble("the journal is older")
        self.await_outbox_trouble("has 5 events")
        self.confirm([publish(self.client, n, "c") for n in range(100, 120)])
        self.emit(10, 2)
        for _ in range(2):
            self.restart(system)
            self.await_events_trouble("the journal is older")
            self.await_outbox_trouble("has 5 events")
        self.assertEqual([*range(10)], self.seen(system, "k0"))
        self.assertEqual([*range(6)], self.seen(system, "c"))

        self.stop()
        asked = self.troupe_restore(system)
        self.assertEqual(4, asked.returncode, asked.stdout + asked.stderr)
        self.assertIn("witness: the journal is an older copy", asked.stdout)
        accepted = self.troupe_restore(system, "--accept")
        self.assertEqual(0, accepted.returncode, accepted.stdout + accepted.stderr)
        again = self.troupe_restore(system)
        self.assertEqual(0, again.returncode, again.stdout + again.stderr)
        self.go_on(system)
        self.emit(12, 1)
        await_true(self.client, "all that is new is handled", lambda: len(self.sights(system)) >= 39)
        await_quiet(self.client, "witness")
        self.assertEqual([*range(13)], self.seen(system, "k0"))
        self.assertEqual([*range(6), *range(100, 120)], self.seen(system, "c"))

    def test_a_restored_journal_that_lacks_nothing_goes_on_although_it_was_opened_less_often(self):
        system = self.start()
        self.confirm([publish(self.client, n, "a") for n in range(10)])
        await_quiet(self.client, "witness")
        self.stop()
        before = self.copy(system, "journal")
        for _ in range(3):
            self.go_on(system)
            await_true(self.client, "partitions are assigned", lambda: self.group()["lag"] == 0)
            self.workers[0].wait_for("broker.joined")
            await_true(self.client, "the database has this opening's epochs", lambda: system.rows(
                "witness", "SELECT MIN(epoch) >> 32 FROM partitions")
                == system.rows("journal", "SELECT generation FROM journal"))
            self.stop()
        self.bring_back(system, before)
        self.go_on(system)
        self.confirm([publish(self.client, n, "a") for n in range(10, 20)])
        await_quiet(self.client, "witness")
        self.assert_seen_once_in_order(system, {"a": 20})

    def test_a_journal_that_grew_past_its_database_while_that_was_away_is_refused(self):
        system = self.start()
        self.stop()
        before = self.copy(system, "journal")
        self.go_on(system)
        self.confirm([publish(self.client, n, "a") for n in range(10)])
        await_quiet(self.client, "witness")
        self.stop()
        self.bring_back(system, before)
        self.broker = system.broker()
        self.confirm([publish(self.client, n, "a") for n in range(10, 30)])
        self.workers = [system.worker()]

        self.await_events_trouble("the journal is older")
        self.assert_seen_once_in_order(system, {"a": 10})
        self.stop()
        accepted = self.troupe_restore(system, "--accept")
        self.assertEqual(0, accepted.returncode, accepted.stdout + accepted.stderr)
        self.go_on(system)
        await_quiet(self.client, "witness")
        self.assert_seen_once_in_order(system, {"a": 30})

    def test_a_restored_subscriber_gets_again_what_it_lost_and_nothing_else(self):
        system = self.start()
        self.confirm([publish(self.client, n, "a") for n in range(10)])
        await_quiet(self.client, "witness")
        self.stop()
        before = self.copy(system, "witness")
        self.go_on(system)
        self.confirm([publish(self.client, n, "a") for n in range(10, 20)])
        await_quiet(self.client, "witness")
        self.stop()
        self.bring_back(system, before)
        self.broker = system.broker()
        self.confirm([publish(self.client, n, "a") for n in range(20, 30)])
        for _ in range(2):
            self.workers = [system.worker()]
            await_quiet(self.client, "witness")
            self.assert_seen_once_in_order(system, {"a": 30})
            self.restart(system)
            self.stop(broker=False)

    def test_journal_and_databases_of_one_moment_go_on_as_if_nothing_had_been(self):
        system = self.start(CAPABILITIES)
        self.emit(0, 5)
        await_quiet(self.client, "witness")
        self.await_confirmed(system, 5)
        self.stop()
        before = self.copy(system, "journal", "witness", "source")
        self.go_on(system)
        self.emit(100, 20)
        self.await_confirmed(system, 25)
        await_quiet(self.client, "witness")
        self.stop()
        self.bring_back(system, before)
        self.go_on(system)
        self.emit(5, 10)
        self.restart(system)
        self.emit(15, 30)
        await_true(self.client, "all is handled", lambda: len(self.sights(system)) >= 45)
        self.assertEqual([*range(45)], self.seen(system, "k0"))
        self.assertEqual("", self.outbox_trouble())
        self.stop()
        self.assertEqual(0, self.troupe_restore(system).returncode)


if __name__ == "__main__":
    unittest.main()
