"""`troupe backup` and `troupe restore --from` where something is in the way: a database that is gone, a disk that is full,
a command that is killed, a user who is root. Either all is as it was, or nobody opens what is not whole."""

import contextlib
import json
import os
import resource
import shutil
import signal
import sqlite3
import subprocess
import time
import unittest

from gateway_systems import GatewayTest
from harness import BIN, PATIENCE, SystemTest

NOBODY = 65534
KIB = 1024


class BroughtBack(SystemTest):
    """A system that was saved with one note of each capability, and has two now; it is stopped."""

    def setUp(self):
        self.shop = self.system({"memos": "{actor: notes}", "notes": "{}"}, nodes=("n1",))
        self.saved = self.shop.folder / "saved"
        self.running = []
        self.start()
        self.add("saved" * 40 * KIB)  # The larger one is copied second.
        self.troupe("backup", self.shop.file, self.saved)
        self.add("later")
        self.stop()

    def troupe(self, *words: object, code: int = 0, file_bytes_max: int = 0, fault: str = "") -> str:
        def limit() -> None:
            if file_bytes_max:
                resource.setrlimit(resource.RLIMIT_FSIZE, (file_bytes_max, file_bytes_max))

        done = subprocess.run([str(BIN / "troupe"), *map(str, words)], capture_output=True, text=True,
                              timeout=2 * PATIENCE, check=False, preexec_fn=limit,
                              env={**os.environ, **({"TROUPE_FAULT_PLAN": fault} if fault else {})})
        self.assertEqual(code, done.returncode, done.stdout + done.stderr)
        return done.stdout + done.stderr

    def restore(self, *words: object, **more: object) -> str:
        return self.troupe("restore", self.shop.file, "--from", self.saved, "--accept", *words, **more)

    def start(self) -> None:
        self.running = [self.shop.broker(), self.shop.worker()]
        self.client = self.shop.client()

    def stop(self) -> None:
        for each in reversed(self.running):
            each.signal(signal.SIGTERM)
            self.assertEqual(0, each.await_end())

    def add(self, text: str) -> None:
        for each, what in (("memos", "short"), ("notes", text)):
            reply = self.client.call(each, "add", {"text": what}, ttl=10_000)
            self.assertTrue(reply.ok, reply)

    def counts(self) -> list[int]:
        """The notes of each capability, told by the system, which is stopped again."""
        self.start()
        said = [self.client.call(each, "count", ttl=10_000).body["count"] for each in ("memos", "notes")]
        self.stop()
        return said

    def held(self) -> dict[str, bytes]:
        return {each.name: each.read_bytes() for each in self.shop.data.glob("*.db")}

    def test_a_database_that_is_gone_comes_back(self):
        for gone in (("memos.db",), ("memos.db", "notes.db", "journal.db")):
            with self.subTest(gone):
                for each in gone:
                    (self.shop.data / each).unlink()  # Its lock file stays, and remembers it.
                self.assertIn("comes back", self.restore())
                self.assertEqual([1, 1], self.counts())

    def test_a_backup_of_what_is_gone_is_no_success(self):
        (self.shop.data / "memos.db").unlink()

        told = self.troupe("backup", self.shop.file, self.shop.folder / "next", code=4)
        said = json.loads(self.troupe("backup", self.shop.file, self.shop.folder / "last", "--json", code=4))

        self.assertIn("gone from this machine, so not in it: memos", told)
        self.assertEqual((["memos"], 2), (said["lost"], said["files"]))

    def test_one_history_is_not_said_of_what_is_gone(self):
        self.assertIn("all databases belong to one history", self.troupe("restore", self.shop.file))
        (self.shop.data / "memos.db").rename(self.shop.folder / "memos.db")

        told = self.troupe("restore", self.shop.file, code=4)
        lines = self.troupe("restore", self.shop.file, "--json", "--accept", code=4).splitlines()

        self.assertIn("memos: its database is gone", told)
        self.assertNotIn("belong to one history", told)
        self.assertIn(("memos", "lost"),
                      [(each["capability"], each.get("database")) for each in map(json.loads, lines)])
        for each in self.shop.data.glob("memos.db.*"):
            each.unlink()  # As on another machine: there never was one.
        self.assertIn("the databases that are here belong to one history", self.troupe("restore", self.shop.file))
        (self.shop.data / "journal.db").unlink()
        told = self.troupe("restore", self.shop.file, code=4)
        self.assertIn("the journal is gone", told)
        self.assertIn("bring a backup back", told)

    def test_a_disk_that_is_full_changes_nothing(self):
        before = self.held()
        small, large = ((self.saved / each).stat().st_size for each in ("memos.db", "notes.db"))
        self.assertLess(small + 32 * KIB, large)

        told = self.restore(code=4, file_bytes_max=large - 4 * KIB)

        self.assertIn("no database was changed", told)
        self.assertEqual(before, self.held())
        self.assertEqual([], [each.name for each in self.shop.data.iterdir() if each.is_dir()])
        self.assertEqual([], list(self.shop.data.glob("*.cop*")))
        self.assertEqual([2, 2], self.counts())

    def test_whenever_it_is_killed_the_same_command_goes_on(self):
        # Of each database six files are put aside, if they are there.
        faults = ["restore.copied=kill@2", "restore.signed=kill", "restore.exchanged=kill@3",
                  *(f"restore.aside=kill@{n}" for n in (1, 2, 4, 6, 7, 13))]
        for fault in faults:
            with self.subTest(fault):
                self.restore(code=-signal.SIGKILL, fault=fault)
                waiting = {each.name.removesuffix(".returning") for each in self.shop.data.glob("*.returning")}
                if waiting:
                    broker = self.shop.run("troupe-broker", "b1")
                    self.assertEqual(73, broker.await_end())
                    self.assertIn("a backup is being brought back into this database", "".join(broker.lines))
                    self.assertIn("journal.db", waiting)
                self.restore()
                self.assertEqual([], list(self.shop.data.glob("*.returning")))
                self.assertEqual([1, 1], self.counts())
                self.start()
                self.add("later")
                self.stop()

    @contextlib.contextmanager
    def stopped_restore(self, said: str):
        """A restore that stands still when the first copy is made; at the end it is refused."""
        child = subprocess.Popen(
            [str(BIN / "troupe"), "restore", str(self.shop.file), "--from", str(self.saved), "--accept"],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            env={**os.environ, "TROUPE_FAULT_PLAN": "restore.copied=stop"})
        with child:
            try:
                _, status = os.waitpid(child.pid, os.WUNTRACED)
                self.assertTrue(os.WIFSTOPPED(status), status)
                yield
                child.send_signal(signal.SIGCONT)
                told = child.communicate(timeout=2 * PATIENCE)[0]
            finally:
                if child.returncode is None:
                    child.kill()
        self.assertEqual(4 if said else 0, child.returncode, told)
        self.assertIn(said, told)

    def test_a_system_that_is_started_meanwhile_keeps_its_data(self):
        with self.stopped_restore("which was started meanwhile"):
            self.start()
            self.add("answered")
        self.assertEqual([], list(self.shop.data.glob("*.returning")))
        self.assertEqual([], [each.name for each in self.shop.data.iterdir() if each.is_dir()])
        self.add("goes on")
        self.stop()

        self.assertEqual([4, 4], self.counts())
        self.restore()
        self.assertEqual([1, 1], self.counts())

    def test_of_two_restores_one_waits_for_a_person(self):
        with self.stopped_restore(""):
            self.assertIn("another `troupe restore` is at work", self.restore(code=4))

        self.assertEqual([1, 1], self.counts())

    def test_a_link_is_not_replaced(self):
        elsewhere = self.shop.folder / "elsewhere.db"
        (self.shop.data / "notes.db").rename(elsewhere)
        (self.shop.data / "notes.db").symlink_to(elsewhere)
        self.assertEqual([2, 2], self.counts())

        self.assertIn("is a symbolic link", self.restore(code=4))
        self.assertTrue((self.shop.data / "notes.db").is_symlink())

    def test_a_wal_that_was_forgotten_beside_a_copy_is_no_part_of_it(self):
        """Brought back by hand: of a system that was killed, the WAL is still there."""
        self.start()
        self.add("lost")
        for each in self.running:
            each.kill()
        wal = self.shop.data / "notes.db-wal"
        shutil.copyfile(self.saved / "notes.db", self.shop.data / "notes.db")
        kept = wal.read_bytes()
        self.assertTrue(kept)

        told = self.troupe("restore", self.shop.file, code=4)
        self.assertIn(f"delete {wal}", told)
        self.assertEqual(kept, wal.read_bytes())
        for each in ("-wal", "-shm", ".lock", ".next"):
            (self.shop.data / f"notes.db{each}").unlink()
        self.troupe("restore", self.shop.file, "--accept")
        self.assertEqual([3, 1], self.counts())

    def test_two_restores_in_one_second_put_two_sets_aside(self):
        # Left by a process that was killed in its way into WAL mode: SQLite would play it over the copy.
        (self.shop.data / "notes.db-journal").write_bytes(b"of the file that goes")
        self.restore()
        self.assertEqual(1, len(list(self.shop.data.glob("*/notes.db-journal"))))
        self.restore()

        aside = [each for each in self.shop.data.iterdir() if each.is_dir()]
        self.assertEqual(2, len(aside))
        for each in aside:
            self.assertEqual({"memos.db", "notes.db", "journal.db"}, {file.name for file in each.glob("*.db")})

    @unittest.skipIf(os.geteuid() != 0, "only root can give files away")
    def test_what_root_brings_back_belongs_to_the_systems_user(self):
        for each in (self.shop.data, *self.shop.data.iterdir()):
            os.chown(each, NOBODY, NOBODY)
        (self.shop.data / "notes.db").chmod(0o600)

        self.restore()

        self.assertEqual({(NOBODY, NOBODY)},
                         {(each.stat().st_uid, each.stat().st_gid) for each in self.shop.data.iterdir()})
        self.assertEqual(0o600, (self.shop.data / "notes.db").stat().st_mode & 0o777)

    def test_what_a_folder_does_not_tell_is_not_taken_for_nothing(self):
        empty = self.shop.folder / "empty"
        empty.mkdir()
        self.assertIn("no database of", self.troupe("check", self.shop.file, "--against", empty, code=4))
        elsewhere = self.shop.folder / "elsewhere"
        elsewhere.mkdir()
        shutil.copy(self.shop.file, elsewhere / "topology.yaml")
        self.assertIn("memos.db is not here",
                      self.troupe("check", self.shop.file, "--against", elsewhere / "topology.yaml", code=4))
        copy = self.shop.folder / "copy"
        shutil.copytree(self.shop.data, copy)
        with contextlib.closing(sqlite3.connect(copy / "strange.db")) as session, session:
            session.execute("CREATE TABLE things (n)")
        told = self.troupe("check", self.shop.file, "--against", copy)
        self.assertIn("not looked at", told)
        self.assertIn("strange.db", told)
        (copy / "memos.db").write_bytes(b"no database" * 1000)
        self.assertIn("memos.db", self.troupe("check", self.shop.file, "--against", copy, code=1))


    def test_what_a_user_may_not_look_at_is_not_taken_for_nothing(self):
        if os.geteuid() != 0:
            self.skipTest("only root can be somebody else")
        self.shop.data.chmod(0o700)
        here = self.shop.folder
        here.chmod(0o755)
        self.shop.file.chmod(0o644)
        to = here / "theirs"
        to.mkdir(mode=0o777)
        to.chmod(0o777)

        def as_nobody(*words: object) -> str:
            try:
                done = subprocess.run([str(BIN / "troupe"), *map(str, words)], capture_output=True, text=True,
                                      timeout=PATIENCE, user=NOBODY, group=NOBODY, extra_groups=[])
            except PermissionError:
                self.skipTest("the programs are where others may not run them")
            self.assertEqual(4, done.returncode, done.stdout + done.stderr)
            return done.stdout + done.stderr

        for words in (("restore", self.shop.file), ("backup", self.shop.file, to / "copy"),
                      ("check", self.shop.file, "--against", self.shop.file)):
            with self.subTest(words[0]):
                told = as_nobody(*words)
                self.assertIn("Permission denied", told)
                self.assertNotIn("has not run here", told)


class OneStandsStill(SystemTest):
    """A worker that is stopped inside a turn keeps its capability's lock."""

    def test_a_backup_that_waits_for_its_lock_keeps_nobody_else_waiting(self):
        # The other's writers take a holder that lasts for longer than this for stalled, and kill it.
        system = self.system({"audit": "{actor: notes, nodes: [n2], turn_limit: 3s}", "notes": "{nodes: [n1]}"})
        system.broker()
        stopped = system.worker("n1", faults="turn.before_commit=stop@8")
        other = system.worker("n2")
        client = system.client()
        for _ in range(8):
            client.send("notes", "add", {"text": "stops it"})
        stopped.await_frozen()

        saved = system.folder / "saved"
        backup = subprocess.Popen([str(BIN / "troupe"), "backup", str(system.file), str(saved)],
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.addCleanup(backup.kill)
        until = time.monotonic() + 6
        while time.monotonic() < until:
            self.assertTrue(client.call("audit", "add", {"text": "meanwhile"}).ok)
            client.receive(0.02)
        self.assertIsNone(backup.poll(), "it was killed, or gave up")
        stopped.kill()

        said, _ = backup.communicate(timeout=2 * PATIENCE)
        self.assertEqual(0, backup.returncode, said)
        self.assertEqual([], other.find("store.stalled_holder_killed"))


class BroughtBackAtTheGateway(GatewayTest):
    def test_a_key_of_before_the_backup_does_nothing_twice_though_the_machine_was_lost(self):
        system, gateway = self.served({"notes": "{}"}, "POST /notes: {call: notes.add}")
        saved = system.folder / "saved"

        def troupe(*words: object) -> str:
            done = subprocess.run([str(BIN / "troupe"), *map(str, words)], capture_output=True, text=True,
                                  timeout=2 * PATIENCE, check=False)
            self.assertEqual(0, done.returncode, done.stdout + done.stderr)
            return done.stdout

        def start() -> list:
            running = [system.broker(), system.worker(), self.start(system)]
            return running

        def stop(running: list) -> None:
            for each in reversed(running):
                each.signal(signal.SIGTERM)
                self.assertEqual(0, each.await_end())

        running = start()
        first = gateway.ask("POST", "/notes", {"text": "once"}, Idempotency_Key="the-first")
        self.assertEqual(200, first.status, first)
        troupe("backup", system.file, saved)
        self.assertEqual(200, gateway.ask("POST", "/notes", {"text": "x"}, Idempotency_Key="later").status)
        stop(running)
        self.assertIn("gateway.g1: stays as it is", troupe("restore", system.file, "--from", saved, "--accept"))
        shutil.rmtree(system.data)

        self.assertIn("gateway.g1: comes back", troupe("restore", system.file, "--from", saved, "--accept"))

        running = start()
        again = gateway.ask("POST", "/notes", {"text": "once"}, Idempotency_Key="the-first")
        self.assertEqual((200, first.body), (again.status, again.body))
        self.assertEqual(1, system.client().call("notes", "count", ttl=10_000).body["count"])
        stop(running)


if __name__ == "__main__":
    unittest.main()
