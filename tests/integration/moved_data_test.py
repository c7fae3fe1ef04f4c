"""Data that move between SQLite files and PostgreSQL: whatever waits, waits over there, and goes on as if nothing had
happened; what cannot move is refused in words, and nothing is begun."""

import contextlib
import hashlib
import json
import os
import pathlib
import shutil
import signal
import sqlite3
import subprocess
import sys
import unittest

from event_systems import PATIENT, WITNESS, await_quiet, await_true, letters, publish, topics
from harness import BIN, SOURCE, System, SystemTest, new_id

sys.path.insert(0, str(SOURCE / "tests" / "chaos"))
from postgres_server import PostgresServer, programs  # noqa: E402

CAPABILITIES = {"witness": WITNESS, "source": "{actor: witness}"}
TO_SERVER = ("--from", "sqlite", "--to", "postgresql")
TO_FILES = ("--from", "postgresql", "--to", "sqlite")


class OnServer(SystemTest):
    """A system with two topologies: one on files, and one on a server."""

    def setUp(self) -> None:
        self.server = PostgresServer()
        self.addCleanup(self.server.close)
        self.over: System = self.system(CAPABILITIES, nodes=("n1",), more=PATIENT)
        self.on_files = self.over.file
        self.on_server = self.over.write("on_server.yaml", self.server_part(self.server.url))

    def server_part(self, url: str) -> str:
        return f'{PATIENT}\nstore: "{url}"\nevents: {{journal: "{url}"}}'

    def start(self, file: pathlib.Path) -> None:
        self.broker = self.over.broker(file=file)
        if file != self.on_files:
            self.broker.wait_for("journal_taken")
        self.worker = self.over.worker(file=file)
        self.client = self.over.client()
        self.running = file

    def stop(self) -> None:
        for each in (self.worker, self.broker):
            each.signal(signal.SIGTERM)
            self.assertEqual(0, each.await_end())

    def troupe(self, *words: object, code: int = 0, fault: str = "") -> str:
        done = subprocess.run(
            [str(BIN / "troupe"), *map(str, words)], cwd=self.over.folder, capture_output=True, text=True,
            timeout=60, check=False,
            env={**os.environ, **({"TROUPE_FAULT_PLAN": fault} if fault else {})})
        self.assertEqual(code, done.returncode, done.stdout + done.stderr)
        return done.stdout + done.stderr

    @contextlib.contextmanager
    def stopped_at(self, point: str, *words: object, code: int, said: str = ""):
        """A command that stands still at a point of its work, and goes on at the end."""
        child = subprocess.Popen(
            [str(BIN / "troupe"), *map(str, words)], cwd=self.over.folder, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, env={**os.environ, "TROUPE_FAULT_PLAN": f"{point}=stop"})
        with child:
            try:
                _, status = os.waitpid(child.pid, os.WUNTRACED)
                if not os.WIFSTOPPED(status):
                    child.returncode = os.waitstatus_to_exitcode(status)
                    self.fail(f"it ended before {point}: {child.stdout.read()}")
                yield
                child.send_signal(signal.SIGCONT)
                told = child.communicate(timeout=60)[0]
            finally:
                if child.returncode is None:
                    child.kill()
        self.assertEqual(code, child.returncode, told)
        self.assertIn(said, told)

    def migrate(self, *words: str, **more: object) -> str:
        return self.troupe("migrate", self.on_server, *words, **more)

    def sights(self) -> list[tuple[str, int]]:
        if self.running == self.on_files:
            return self.over.rows("witness", "SELECT key, n FROM sights ORDER BY place")
        return [(key, int(n)) for key, n in (line.split("|") for line in self.server.psql(
            "SELECT key, n FROM witness.sights ORDER BY place;"))]

    def emit(self, first: int, count: int, call_id: bytes = b"") -> None:
        reply = self.client.call("source", "publish", {
            "topic": "sight.seen", "key": "k", "keys": 1, "first": first, "count": count},
            call_id=call_id or new_id(), ttl=10_000)
        self.assertTrue(reply.ok, reply)

    def await_sights(self, count: int) -> None:
        """Until so many events were handled, and nothing is left."""
        await_true(self.client, f"{count} events were handled", lambda: len(self.sights()) >= count)
        await_quiet(self.client, "witness")

    def troubles(self) -> list[dict]:
        status = json.loads(self.troupe("status", self.running, "--json"))
        return [each for each in status["troubles"] if each["is"] == "wrong"]


class MovedData(OnServer):

    def listed(self, what: str, file: pathlib.Path) -> list[tuple]:
        lines = self.troupe(what, "list", file, "--json").splitlines()
        return sorted((each["id"], each["key"]) for each in map(json.loads, lines))

    def await_seen(self, expected: list[tuple[str, int]]) -> None:
        await_true(self.client, f"{expected} were seen", lambda: sorted(self.sights()) == sorted(expected))

    def test_letters_schedules_timers_answers_and_positions_go_there_and_back(self):
        self.start(self.on_files)
        known = new_id()
        self.emit(0, 5, known)
        for n in range(5):
            publish(self.client, n, "p", act="throw" if n == 4 else "see")
        await_true(self.client, "a dead letter", lambda: letters(self.client))
        self.assertTrue(self.client.call("source", "publish", {
            "topic": "sight.later", "key": "t", "keys": 1, "first": 0, "count": 2, "after": 1_800_000}).ok)
        self.troupe("publish", self.on_files, "sight.seen", '{"n": 7}', "--after", "1h", "--key", "s")
        self.troupe("publish", self.on_files, "sight.seen", '{"n": 8}', "--after", "100ms", "--key", "soon")
        seen = [*(("k0", n) for n in range(5)), *(("p", n) for n in range(4))]
        await_true(self.client, "all was seen", lambda: set(seen) <= set(self.over.rows(
            "witness", "SELECT key, n FROM sights")))
        last = topics(self.client)["last"]
        before = {what: self.listed(what, self.on_files) for what in ("scheduled", "dead-letters")}
        self.stop()
        writers = self.over.rows("witness", "SELECT MAX(id) FROM writers")[0][0]

        said = self.migrate(*TO_SERVER)
        for owner in ("witness", "source", "journal"):
            self.assertRegex(said, rf"{owner}: \d+ tables with \d+ rows are on both sides, equal in every value")
        self.assertIn("start the system", said)
        self.assertIn("on the server already", self.migrate(*TO_SERVER))
        self.start(self.on_server)
        seen.append(("soon", 8))
        self.await_seen(seen)  # What was due meanwhile came, too.
        self.assertEqual([[str(writers + 1)]], [self.server.psql("SELECT MAX(id) FROM witness.writers;")])
        after = {what: self.listed(what, self.on_server) for what in ("scheduled", "dead-letters")}
        self.assertEqual(before["dead-letters"], after["dead-letters"])
        self.assertEqual([each for each in before["scheduled"] if each[1] != "soon"], after["scheduled"])
        self.assertEqual(3, len(after["scheduled"]))
        self.emit(0, 5, known)  # It is answered from the inbox, and publishes nothing.
        self.emit(5, 5)
        seen += [("k0", n) for n in range(5, 10)]
        self.await_seen(seen)
        self.assertLessEqual(last + 5, topics(self.client)["last"])
        self.assertEqual([], self.troubles())
        self.stop()

        self.migrate(*TO_FILES)
        self.start(self.on_files)
        self.emit(10, 5)
        self.emit(5, 5, new_id())
        self.await_seen([*seen, *(("k0", n) for n in (*range(5, 10), *range(10, 15)))])
        self.assertEqual(after, {what: self.listed(what, self.on_files)
                                 for what in ("scheduled", "dead-letters")})
        self.assertEqual([], self.troubles())

    def topology_with_one_on_the_server(self):
        kept = dict(self.over.capabilities)
        self.over.capabilities = {"witness": WITNESS, "source": f'{{actor: witness, store: "{self.server.url}"}}'}
        one = self.over.write("one.yaml")
        self.over.capabilities = kept
        return one

    def test_capabilities_that_move_one_after_another_all_arrive(self):
        """One was moved to a file before: the others are not taken for moved, too."""
        self.start(self.on_server)
        self.emit(0, 5)
        self.await_sights(5)
        self.stop()
        one = self.topology_with_one_on_the_server()

        said = self.troupe("migrate", one, *TO_FILES)
        self.assertRegex(said, r"source: \d+ tables with \d+ rows are on both sides")
        self.assertFalse((self.over.data / "witness.db").exists())
        said = self.migrate(*TO_FILES, "--dry-run")
        self.assertIn(f"source: was moved to {self.over.data / 'source.db'} before", said)
        said = self.migrate(*TO_FILES, fault="migrate.left=kill", code=-9)
        said = self.migrate(*TO_FILES)
        self.assertIn("everything had been copied", said)

        for each in ("witness", "source", "journal"):
            self.assertTrue((self.over.data / f"{each}.db").exists(), each)
        self.assertEqual(5, len(self.over.rows("witness", "SELECT n FROM sights")))
        self.start(self.on_files)
        self.emit(5, 5)
        self.await_sights(10)
        self.assertEqual([], self.troubles())
        self.stop()

    def test_the_end_of_one_move_is_not_taken_for_another(self):
        """Of two that move, the first one's command is killed when all has arrived; then all are to move."""
        self.start(self.on_files)
        self.emit(0, 5)
        self.await_sights(5)
        self.stop()
        one = self.topology_with_one_on_the_server()
        self.troupe("migrate", one, *TO_SERVER, fault="migrate.all_equal=kill", code=-9)

        said = self.migrate(*TO_SERVER)

        for each in ("witness", "journal"):
            self.assertRegex(said, rf"{each}: \d+ tables with \d+ rows are on both sides")
        self.assertEqual([], list(self.over.data.glob("*.db")))
        self.start(self.on_server)
        self.emit(5, 5)
        self.await_sights(10)
        self.assertEqual([], self.troubles())
        self.stop()

    def test_check_tells_of_files_left_behind_and_status_of_the_server(self):
        self.start(self.on_files)
        self.emit(0, 5)
        self.troupe("publish", self.on_files, "sight.seen", '{"n": 7}', "--after", "1h")
        self.assertTrue(self.client.call("source", "publish", {
            "topic": "sight.later", "key": "t", "keys": 1, "first": 0, "count": 1, "after": 1_800_000}).ok)
        self.await_sights(5)
        self.stop()
        told = self.troupe("check", self.on_server)
        self.assertRegex(told, r"left behind: \S*journal.db is a journal with 5 events, 1 for later and 0 dead")
        self.assertRegex(told, r"left behind: \S*source.db is of the capability `source`")
        self.assertIn(f"`troupe migrate {self.on_server} --from sqlite --to postgresql`", told)
        self.assertNotIn("left behind", self.troupe("check", self.on_files))
        self.migrate(*TO_SERVER)
        self.assertNotIn("left behind", self.troupe("check", self.on_server))
        self.start(self.on_server)
        self.assertIn("commits wait for no standby", await_true(
            self.client, "the server is told of",
            lambda: "server" in (said := self.troupe("status", self.on_server)) and said))
        self.stop()

    def test_check_against_a_topology_looks_into_its_server(self):
        self.start(self.on_server)
        self.emit(0, 5)
        self.await_sights(5)
        self.stop()
        for statement in (
                "INSERT INTO source.timers VALUES (1, '\\x01', 1, 'sight.seen', '', '\\x80', NULL)",
                "INSERT INTO witness.effects (key, call, name, request, writer) VALUES ('\\x" + "00" * 16
                + "', '\\x01', 'burn', '\\x80', 1)"):
            self.server.psql(statement + ";")
        # The same database, called by another name.
        other = self.over.write("other.yaml", self.server_part(self.server.url + "&connect_timeout=3"))
        told = self.troupe("check", other, "--against", self.on_server, code=1)
        self.assertIn("witness: 1 effects `burn`, which `witness` has no more", told)
        self.assertNotIn("source:", told)
        self.assertNotIn("not looked at", told)

        self.over.capabilities = {"viewer": WITNESS, "source": "{actor: witness}"}
        renamed = self.over.write("renamed.yaml", self.server_part(self.server.url))
        told = self.troupe("check", renamed, "--against", self.on_server, code=1)
        self.assertIn("witness: it is gone, and `viewer` is new", told)
        self.assertIn("1 effects, 0 timers", told)
        self.assertIn("witness: it subscribes to nothing any more", told)
        self.over.capabilities = {"witness": WITNESS, "sender": "{actor: witness}"}
        renamed = self.over.write("renamed.yaml", self.server_part(self.server.url))
        self.assertIn("0 effects, 1 timers", self.troupe("check", renamed, "--against", self.on_server, code=1))

        self.server.kill()
        told = self.troupe("check", renamed, "--against", self.on_server, code=4)
        self.assertIn("no database of", told)
        self.assertIn("the schema witness at postgresql://", told)

    def test_status_tells_of_a_stranger_who_holds_a_lock(self):
        self.start(self.on_server)
        self.emit(0, 5)
        self.await_sights(5)
        for table, says in (("source.outbox", "the database of source"), ("troupe_journal.journal", "the journal")):
            with self.subTest(table), self.server.open_transaction(f"LOCK TABLE {table} IN EXCLUSIVE MODE;"):
                self.client.send("source", "publish", {
                    "topic": "sight.seen", "key": "k", "keys": 1, "first": 100, "count": 1}, ttl=60_000)
                publish(self.client, 7, "c")
                await_true(self.client, "status tells of the lock", lambda says=says: [
                    each for each in self.troubles() if says in each["what"] and "holds the lock" in each["why"]
                    and "pg_blocking_pids" in each["next"]])
        self.emit(200, 5)
        await_true(self.client, "it goes on by itself", lambda: ("k0", 204) in self.sights())
        await_true(self.client, "all is well again", lambda: not self.troubles())

    def test_what_the_server_has_already_is_not_replaced(self):
        self.start(self.on_server)  # Somebody has begun there, with nothing.
        self.stop()
        self.start(self.on_files)
        self.emit(0, 5)
        self.stop()

        said = self.migrate(*TO_SERVER, code=4)
        self.assertIn("has another database", said)
        self.assertIn('DROP SCHEMA "witness" CASCADE', said)
        self.server.psql("DROP SCHEMA witness CASCADE; DROP SCHEMA source CASCADE;")
        self.assertIn('DROP SCHEMA "troupe_journal" CASCADE', self.migrate(*TO_SERVER, code=4))
        self.server.psql("DROP SCHEMA troupe_journal CASCADE; CREATE SCHEMA witness; CREATE TABLE witness.a ();")
        self.assertIn("tables that Troupe did not make", self.migrate(*TO_SERVER, code=4))
        self.server.psql("DROP SCHEMA witness CASCADE;")
        self.migrate(*TO_SERVER, "--dry-run")
        self.migrate(*TO_SERVER)

    def test_what_cannot_move_is_refused_before_anything_is_begun(self):
        self.start(self.on_files)
        self.emit(0, 5)
        self.await_sights(5)
        self.stop()
        witness, source = self.over.data / "witness.db", self.over.data / "source.db"
        kept = {each: each.read_bytes() for each in (witness, source)}

        def refused(wanted: str, file: pathlib.Path, *statements: str) -> None:
            with contextlib.closing(sqlite3.connect(file)) as session:
                for each in statements:
                    session.execute(each)
                session.commit()
                session.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            self.assertIn(wanted, self.migrate(*TO_SERVER, code=4))
            self.assertEqual([], self.server.psql(
                "SELECT 1 FROM pg_namespace WHERE nspname IN ('witness', 'source', 'troupe_migration');"))
            for each, held in kept.items():
                each.write_bytes(held)

        refused("newer than the program", witness,
                "INSERT INTO schema_versions VALUES ('troupe.turn', 4, 'more', '0', 0)")
        refused("does not know", witness, "INSERT INTO schema_versions VALUES ('other', 1, 'more', '0', 0)")
        refused("start the system once with this release", witness,
                "DELETE FROM schema_versions WHERE component = 'troupe.unsettled'")
        refused("the column n of sights holds values of another type", witness, "UPDATE sights SET n = 'x'")
        kept_lock = (self.over.data / "witness.db.lock").read_bytes()
        witness.unlink()
        self.assertIn("is gone", self.migrate(*TO_SERVER, code=4))
        witness.write_bytes(kept[witness])
        (self.over.data / "witness.db.lock").write_bytes(kept_lock)
        self.assertIn("is one file for all", self.troupe(
            "migrate", self.on_files, "--from", "sqlite:a.db", "--to", "postgresql://h/d", code=2))
        self.assertIn("say which one", self.troupe("migrate", self.on_files, *TO_SERVER, code=2))
        self.assertIn("the same engine", self.migrate("--from", "sqlite", "--to", "sqlite", code=2))
        self.migrate(*TO_SERVER)

    def test_a_system_that_starts_during_a_move_to_its_server_keeps_what_it_has_done(self):
        self.start(self.on_files)
        self.emit(0, 5)
        self.await_sights(5)
        self.stop()
        move = ("migrate", self.on_server, *TO_SERVER)
        with self.stopped_at("migrate.checked", *move, code=4, said="the system runs"):
            self.start(self.on_server)
            self.emit(100, 5)
            self.await_sights(5)
        done = [("k0", n) for n in range(100, 105)]
        self.assertEqual(done, self.sights())
        self.emit(105, 5)  # It goes on, and nothing is left that would keep it from starting again.
        self.await_sights(10)
        self.stop()
        self.start(self.on_server)
        self.emit(110, 5)
        self.await_sights(15)
        self.stop()
        done = [("k0", n) for n in range(100, 115)]
        self.assertIn("has another database", self.migrate(*TO_SERVER, code=4))
        self.assertEqual(done, self.sights())
        self.assertEqual("", self.moves())

    def test_a_system_that_came_and_went_during_a_move_keeps_what_it_has_done(self):
        self.start(self.on_files)
        self.emit(0, 5)
        self.await_sights(5)
        self.stop()
        move = ("migrate", self.on_server, *TO_SERVER)
        with self.stopped_at("migrate.checked", *move, code=4, said="has another database"):
            self.start(self.on_server)
            self.emit(100, 5)
            self.await_sights(5)
            self.stop()
        done = [("k0", n) for n in range(100, 105)]
        self.assertEqual(done, self.sights())
        self.assertIn("has another database", self.migrate(*TO_SERVER, code=4))
        self.assertIn("no copy of it, and is left", self.migrate(*TO_SERVER, "--abandon"))
        self.start(self.on_server)
        self.assertEqual(done, self.sights())
        self.emit(105, 5)
        self.await_sights(10)
        self.stop()

    def moves(self) -> str:
        return "".join(self.server.psql("SELECT nspname FROM pg_namespace WHERE nspname = 'troupe_migration';"))

    def test_an_unfinished_move_is_ended_by_abandon_on_either_way(self):
        self.start(self.on_files)
        self.emit(0, 5)
        self.await_sights(5)
        self.stop()
        with contextlib.closing(sqlite3.connect(self.over.data / "witness.db")) as session:
            session.execute("UPDATE sights SET key = 'a' || char(0) WHERE n = 3")
            session.commit()
        said = self.migrate(*TO_SERVER, code=4)
        self.assertIn("at the row place=", said)
        self.assertIn("no text with a NUL", said)
        refused = self.over.run("troupe-broker", "b1", file=self.on_server)
        self.assertNotEqual(0, refused.await_end())
        self.assertIn("data are being brought into this database", "".join(refused.lines))
        self.assertIn("witness stays in", self.migrate(*TO_SERVER, "--abandon"))
        self.assertEqual([], self.server.psql("SELECT 1 FROM pg_namespace WHERE nspname = 'witness';"))
        self.assertIn("nothing is under way", self.migrate(*TO_SERVER, "--abandon"))
        with contextlib.closing(sqlite3.connect(self.over.data / "witness.db")) as session:
            session.execute("UPDATE sights SET key = 'k0' WHERE n = 3")
            session.commit()
        self.start(self.on_files)
        self.stop()
        self.migrate(*TO_SERVER, code=-signal.SIGKILL, fault="migrate.equal=kill@2")
        self.start(self.on_files)  # The files are what counts, and they go on meanwhile.
        self.emit(5, 5)
        self.await_sights(10)
        self.stop()
        self.migrate(*TO_SERVER)
        self.running = self.on_server
        self.assertEqual(10, len(self.sights()))

        self.migrate(*TO_FILES, code=-signal.SIGKILL, fault="migrate.equal=kill@2")
        self.assertIn("witness stays on the server", self.migrate(*TO_FILES, "--abandon"))
        self.assertEqual([], list(self.over.data.glob("*.migrating*")))
        self.start(self.on_server)
        self.emit(10, 5)
        self.await_sights(15)
        self.assertEqual([("k0", n) for n in range(15)], self.sights())
        self.stop()


class SavedOnServer(OnServer):
    """`troupe backup` and `troupe restore` of a system on a server."""

    def test_a_backup_of_a_server_comes_back_there_or_into_files(self):
        self.start(self.on_server)
        self.emit(0, 10)
        self.await_sights(10)
        saved = self.over.folder / "saved"
        self.troupe("backup", self.on_server, saved)  # While it runs.
        manifest = json.loads((saved / "manifest.json").read_text())
        self.assertEqual(["journal.db", "source.db", "witness.db"],
                         sorted(each["file"] for each in manifest["files"]))
        self.assertEqual({"journal.db", "source.db", "witness.db", "manifest.json", "topology.yaml"},
                         {each.name for each in saved.iterdir()})
        self.emit(10, 10)
        self.await_sights(20)
        self.assertIn("the system runs", self.troupe("restore", self.on_server, "--from", saved, code=4))
        self.stop()

        told = self.troupe("restore", self.on_server, "--from", saved, code=4)
        self.assertIn("journal: goes back to position 10; 10 newer events are lost", told)
        self.assertIn("nothing was changed", told)
        self.assertEqual(20, len(self.sights()))
        self.troupe("restore", self.on_server, "--from", saved, "--accept", code=-signal.SIGKILL,
                    fault="restore.filled=kill@2")
        refused = self.over.run("troupe-broker", "b1", file=self.on_server)
        self.assertNotEqual(0, refused.await_end())
        self.assertIn("a backup is being brought back into this database", "".join(refused.lines))
        told = self.troupe("restore", self.on_server, "--from", saved, "--accept")
        self.assertIn("belong to one history", told)
        self.assertEqual([("k0", n) for n in range(10)], self.sights())
        self.assertEqual(["1"], self.server.psql(
            "SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'witness-before-restore-%';"))

        self.start(self.on_server)
        self.emit(10, 5)
        self.await_sights(15)
        self.assertEqual([("k0", n) for n in range(15)], self.sights())
        self.assertEqual([], self.troubles())
        self.stop()

        told = self.troupe("restore", self.on_files, "--from", saved, "--accept")
        self.assertIn("belong to one history", told)
        self.start(self.on_files)
        self.emit(10, 5)
        self.await_sights(15)
        self.assertEqual([("k0", n) for n in range(15)], self.sights())
        self.stop()

    def test_a_backup_of_an_earlier_release_comes_back_into_files_and_goes_to_the_server_from_there(self):
        self.start(self.on_files)
        self.emit(0, 5)
        self.await_sights(5)
        saved = self.over.folder / "saved"
        self.troupe("backup", self.on_files, saved)
        self.stop()
        with contextlib.closing(sqlite3.connect(saved / "source.db")) as session, session:
            session.execute("DROP TABLE unsettled")
            session.execute("DELETE FROM schema_versions WHERE component = 'troupe.unsettled'")
        manifest = json.loads((saved / "manifest.json").read_text())
        for each in manifest["files"]:
            each["sha256"] = hashlib.sha256((saved / each["file"]).read_bytes()).hexdigest()
        (saved / "manifest.json").write_text(json.dumps(manifest))

        told = self.troupe("restore", self.on_server, "--from", saved, "--accept", code=4)
        self.assertIn("was saved by another release", told)
        self.assertIn("into files", told)
        self.assertEqual([], self.server.psql("SELECT 1 FROM pg_namespace WHERE nspname = 'source';"))

        self.troupe("restore", self.on_files, "--from", saved, "--accept")
        self.start(self.on_files)  # Which brings its tables up to date.
        self.await_sights(5)
        self.stop()
        self.migrate(*TO_SERVER)
        self.start(self.on_server)
        self.emit(5, 5)
        self.await_sights(10)
        self.assertEqual([("k0", n) for n in range(10)], self.sights())
        self.assertEqual([], self.troubles())
        self.stop()

    def test_a_system_that_starts_during_a_restore_keeps_what_it_has_done(self):
        self.start(self.on_server)
        self.emit(0, 5)
        self.await_sights(5)
        saved = self.over.folder / "saved"
        self.troupe("backup", self.on_server, saved)
        self.stop()
        order = ("restore", self.on_server, "--from", saved, "--accept")
        with self.stopped_at("restore.checked", *order, code=4, said="the system runs"):
            self.start(self.on_server)
            self.emit(5, 5)
            self.await_sights(10)
        self.emit(10, 5)
        self.await_sights(15)
        self.assertEqual([("k0", n) for n in range(15)], self.sights())
        self.stop()
        with self.stopped_at("restore.checked", *order, code=0, said="belong to one history"):
            self.start(self.on_server)
            self.emit(15, 5)
            self.await_sights(20)
            self.stop()
        self.assertEqual([("k0", n) for n in range(5)], self.sights())
        (aside,) = self.server.psql(
            "SELECT nspname FROM pg_namespace WHERE nspname LIKE 'witness-before-restore-%';")
        self.assertEqual(["20"], self.server.psql(f'SELECT count(*) FROM "{aside}".sights;'))

    def test_capabilities_whose_long_names_begin_alike_come_back(self):
        longest = "customer_notification_delivery_"  # Two names that PostgreSQL would cut to one.
        self.over.capabilities = {longest + "mail": WITNESS, longest + "sms": "{actor: witness}",
                                  **CAPABILITIES}
        self.on_server = self.over.write("on_server.yaml", self.server_part(self.server.url))
        self.start(self.on_server)
        self.emit(0, 5)
        self.await_sights(5)
        saved = self.over.folder / "saved"
        self.troupe("backup", self.on_server, saved)
        self.stop()
        told = ""
        for _ in range(2):
            told += self.troupe("restore", self.on_server, "--from", saved, "--accept")
        there = self.server.psql("SELECT nspname FROM pg_namespace WHERE nspname LIKE '%-before-restore-%';")
        self.assertEqual(10, len(there), there)
        for each in there:
            self.assertIn(f"schema {each}\n", told)

    def test_a_backup_whose_locks_were_lost_is_taken_anew(self):
        file = self.over.write("mixed.yaml", f'{PATIENT}\nstore: "{self.server.url}"')
        self.broker = self.over.broker(file=file)
        self.worker = self.over.worker(file=file)
        self.client = self.over.client()
        self.running = self.on_server
        self.emit(0, 5)
        self.await_sights(5)
        saved = self.over.folder / "saved"
        with self.stopped_at("backup.looked", "backup", file, saved, code=0):
            # As a writer does that has waited for longer than a turn may take.
            ended = self.server.psql(
                "SELECT pg_terminate_backend(pid, 60000) FROM pg_locks JOIN pg_stat_activity USING (pid) "
                "WHERE locktype = 'advisory' AND granted AND application_name LIKE 'troupe-command%';")
            self.assertEqual(["t", "t"], ended)
            self.emit(5, 5)
            self.await_sights(10)
        manifest = {each["owner"]: each for each in json.loads((saved / "manifest.json").read_text())["files"]}
        self.assertEqual(10, manifest["source"]["outbox_newest"])
        self.assertLessEqual(manifest["journal"]["last"], manifest["source"]["outbox_newest"])
        self.stop()

    def test_one_schema_that_went_back_is_found_and_accepted(self):
        self.start(self.on_server)
        self.emit(0, 5)
        self.await_sights(5)
        saved = self.over.folder / "saved"
        self.troupe("backup", self.on_server, saved)
        self.emit(5, 5)
        self.await_sights(10)
        self.stop()
        one = self.over.folder / "one"
        shutil.copytree(saved, one)
        manifest = json.loads((one / "manifest.json").read_text())
        manifest["files"] = [each for each in manifest["files"] if each["owner"] == "source"]
        (one / "manifest.json").write_text(json.dumps(manifest))

        told = self.troupe("restore", self.on_server, "--from", one, "--accept")
        self.assertIn("source: its database is an older copy", told)
        self.assertIn("they go on together", told)
        journal = "SELECT generation, owner_name, lease_until FROM troupe_journal.journal;"
        there = self.server.psql(journal)
        self.assertIn("belong to one history", self.troupe("restore", self.on_server))
        self.assertEqual(there, self.server.psql(journal), "who only asked took the lease")
        self.start(self.on_server)
        self.emit(100, 5)
        self.await_sights(15)
        self.assertEqual([("k0", n) for n in (*range(10), *range(100, 105))], self.sights())
        self.assertEqual([], self.troubles())
        self.stop()


if __name__ == "__main__":
    if programs() is None:
        print("skipped: there is no PostgreSQL here (/usr/lib/postgresql)")
        sys.exit(77)
    unittest.main()
