"""PostgreSQL servers that will not do: worker, broker and `troupe migrate` say what is wrong and what to do, and nothing
is begun; what may pass by itself is waited for."""

import contextlib
import os
import pathlib
import pwd
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import unittest

from event_systems import PATIENT, WITNESS, await_quiet
from harness import BIN, PATIENCE, SOURCE, System, SystemTest, free_port

sys.path.insert(0, str(SOURCE / "tests" / "chaos"))
from postgres_server import PostgresServer, programs  # noqa: E402

CAPABILITIES = {"witness": WITNESS, "source": "{actor: witness}"}


class OldServer(threading.Thread):
    """A server that says it is PostgreSQL 12.9, and knows no more than how to greet."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]

    def run(self) -> None:
        while True:
            try:
                link, _ = self._listener.accept()
            except OSError:
                return
            with link, contextlib.suppress(OSError):
                self._greet(link)

    def _greet(self, link: socket.socket) -> None:
        while True:
            size, code = struct.unpack("!II", link.recv(8))
            link.recv(max(size - 8, 0)) if size > 8 else b""
            if code == 196608:
                break
            link.sendall(b"N")  # No TLS, no GSSAPI.
        said = {"server_version": "12.9", "server_encoding": "UTF8", "client_encoding": "UTF8",
                "in_hot_standby": "off", "default_transaction_read_only": "off",
                "standard_conforming_strings": "on"}
        link.sendall(b"R" + struct.pack("!II", 8, 0))
        for name, value in said.items():
            text = name.encode() + b"\0" + value.encode() + b"\0"
            link.sendall(b"S" + struct.pack("!I", 4 + len(text)) + text)
        link.sendall(b"K" + struct.pack("!III", 12, 1, 1) + b"Z" + struct.pack("!I", 5) + b"I")
        while link.recv(4096):
            pass

    def close(self) -> None:
        self._listener.close()


class Pooler:
    """pgbouncer before a server."""

    def __init__(self, server: PostgresServer, mode: str) -> None:
        user = pwd.getpwnam("postgres") if os.getuid() == 0 else None
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="troupe-pgbouncer-"))
        self.port = free_port()
        (self.folder / "users").write_text('"postgres" ""\n')
        (self.folder / "pgbouncer.ini").write_text(
            f"[databases]\npostgres = host={server.folder} port=5432 dbname=postgres\n"
            f"[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {self.port}\nunix_socket_dir =\n"
            f"auth_type = trust\nauth_file = {self.folder}/users\npool_mode = {mode}\n"
            "ignore_startup_parameters = extra_float_digits\ndefault_pool_size = 20\n")
        if user:
            for each in (self.folder, *self.folder.iterdir()):
                os.chown(each, user.pw_uid, user.pw_gid)
        self._log = (self.folder / "log").open("wb")
        self._process = subprocess.Popen(
            [shutil.which("pgbouncer") or "/usr/sbin/pgbouncer", str(self.folder / "pgbouncer.ini")],
            stdin=subprocess.DEVNULL, stdout=self._log, stderr=self._log, cwd="/",
            **({"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []} if user else {}))
        until = time.monotonic() + PATIENCE
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
                return
            if self._process.poll() is not None or time.monotonic() > until:
                raise RuntimeError((self.folder / "log").read_text())

    @property
    def url(self) -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}/postgres"

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        self._log.close()
        shutil.rmtree(self.folder)


class BadServersTest(SystemTest):

    def server(self, **settings: str) -> PostgresServer:
        made = PostgresServer(**settings)
        self.addCleanup(made.close)
        return made

    def topology(self, url: str, name: str = "on_server.yaml") -> pathlib.Path:
        return self.over.write(name, f'{PATIENT}\nstore: "{url}"\nevents: {{journal: "{url}"}}')

    def setUp(self) -> None:
        self.over: System = self.system(CAPABILITIES, nodes=("n1",), more=PATIENT)

    def fill_files(self, events: int = 5) -> None:
        """A run on files, so that there is something to move."""
        broker, worker = self.over.broker(), self.over.worker()
        client = self.over.client()
        for first in range(0, events, 5):
            self.assertTrue(client.call("source", "publish", {
                "topic": "sight.seen", "key": "k", "keys": 1, "first": first, "count": 5}).ok)
        await_quiet(client, "witness")
        for each in (worker, broker):
            each.signal(signal.SIGTERM)
            self.assertEqual(0, each.await_end())

    def migrate(self, file: pathlib.Path, code: int = 4) -> str:
        done = subprocess.run(
            [str(BIN / "troupe"), "migrate", str(file), "--from", "sqlite", "--to", "postgresql"],
            cwd=self.over.folder, capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual(code, done.returncode, done.stdout + done.stderr)
        return done.stdout + done.stderr

    def assert_refused(self, url: str, *wanted: str, server: PostgresServer | None = None) -> None:
        """By all three, in these words, and nothing is there afterwards."""
        file = self.topology(url)
        broker = self.over.run("troupe-broker", "b1", file=file)
        self.assertEqual(73, broker.await_end())
        (said,) = broker.find("journal_unusable")
        worker = self.over.run("troupe-worker", "n1", file=file)
        self.assertEqual(69, worker.await_end())
        (told,) = worker.find("worker.not_started")
        for each in wanted:
            self.assertIn(each, said["reason"])
            self.assertIn(each, told["reason"])
            self.assertIn(each, self.migrate(file))
        if server:
            self.assertEqual([], server.psql(
                "SELECT nspname FROM pg_namespace WHERE nspname IN ('witness', 'source', 'troupe_journal');"))

    def test_a_wrong_password_is_told_with_the_file_it_belongs_into(self):
        server = self.server()
        server.psql("CREATE ROLE pw LOGIN SUPERUSER PASSWORD 'right';")
        access = server.folder / "data" / "pg_hba.conf"
        access.write_text("local all pw scram-sha-256\nlocal all all trust\n")
        server.psql("SELECT pg_reload_conf();")
        self.assert_refused(server.url.replace("user=postgres", "user=pw"), "PGPASSFILE", server=server)

    def test_a_server_that_would_lose_what_it_confirmed_is_refused(self):
        server = self.server(fsync="off")
        self.assert_refused(server.url, "fsync = on", server=server)

    def test_a_server_that_is_too_old_is_refused_before_it_is_asked_anything(self):
        old = OldServer()
        old.start()
        self.addCleanup(old.close)
        self.assert_refused(f"postgresql://u@127.0.0.1:{old.port}/shop", "PostgreSQL 12.9", "13 or newer")

    def test_a_pooler_by_transaction_is_refused_and_one_by_session_will_do(self):
        if not shutil.which("pgbouncer") and not pathlib.Path("/usr/sbin/pgbouncer").exists():
            self.skipTest("there is no pgbouncer here")
        server = self.server()
        with contextlib.closing(Pooler(server, "transaction")) as pooler:
            self.assert_refused(pooler.url, "pool_mode", server=server)
        with contextlib.closing(Pooler(server, "session")) as pooler:
            file = self.topology(pooler.url)
            broker = self.over.broker(file=file)
            broker.wait_for("journal_taken")
            worker = self.over.worker(file=file)
            client = self.over.client()
            self.assertTrue(client.call("source", "publish", {
                "topic": "sight.seen", "key": "k", "keys": 1, "first": 0, "count": 5}, ttl=10_000).ok)
            await_quiet(client, "witness")
            for each in (worker, broker):
                each.signal(signal.SIGTERM)
                self.assertEqual(0, each.await_end())

    def test_the_database_of_another_system_is_refused(self):
        server = self.server()
        file = self.topology(server.url)
        self.over.broker(file=file).wait_for("journal_taken")
        self.over.worker(file=file)
        other = System(CAPABILITIES, nodes=("n1",), more=PATIENT)
        self.addCleanup(other.close)
        text = other.write("other.yaml", f'{PATIENT}\nstore: "{server.url}"\nevents: {{journal: "{server.url}"}}')
        text.write_text(text.read_text().replace("name: test", "name: other"))
        broker = other.run("troupe-broker", "b1", file=text)
        self.assertEqual(73, broker.await_end())
        self.assertIn("belongs to the system `test`", broker.find("journal_unusable")[0]["reason"])
        worker = other.run("troupe-worker", "n1", file=text)
        self.assertEqual(69, worker.await_end())
        self.assertIn("belongs to the system `test`", worker.find("worker.not_started")[0]["reason"])

    def test_too_few_connections_are_waited_for_in_words(self):
        server = self.server(max_connections="5", superuser_reserved_connections="0", max_wal_senders="0")
        psql = programs() / "psql"
        held = []
        for _ in range(5):
            one = subprocess.Popen([str(psql), "-h", str(server.folder), "-U", "postgres", "-X", "-q", "-t", "-A"],
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            self.addCleanup(one.wait)
            self.addCleanup(one.kill)
            one.stdin.write("SELECT 1;\n")
            one.stdin.flush()
            self.assertEqual("1\n", one.stdout.readline())
            held.append(one)
        file = self.topology(server.url)
        broker = self.over.broker(file=file)
        self.assertIn("max_connections", broker.wait_for("journal_out_of_touch")["reason"])
        self.assertIn("max_connections", self.migrate(file))
        for each in held:
            each.stdin.close()
            each.wait()
        broker.wait_for("journal_taken")
        for each in held:
            each.stdout.close()

    def test_a_full_disk_of_the_server_ends_a_move_that_goes_on_once_there_is_room(self):
        server = self.server()
        place = pathlib.Path(tempfile.mkdtemp(prefix="troupe-small-"))
        self.addCleanup(shutil.rmtree, place, True)
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m,mode=0777", "tmpfs", str(place)],
                                 capture_output=True, check=False)
        if mounted.returncode != 0:
            self.skipTest("no small file system can be mounted here")
        self.addCleanup(subprocess.run, ["umount", "-l", str(place)], check=False)
        self.addCleanup(server.kill)
        folder = place / "space"
        folder.mkdir()
        user = pwd.getpwnam("postgres")
        os.chown(folder, user.pw_uid, user.pw_gid)
        server.psql(f"CREATE TABLESPACE small LOCATION '{folder}'; "
                    "ALTER DATABASE postgres SET default_tablespace = 'small';")
        self.fill_files(events=100)
        file = self.topology(server.url)
        with (place / "filler").open("wb") as filler, contextlib.suppress(OSError):
            while True:
                filler.write(b"x" * 65536)
                filler.flush()
        said = self.migrate(file)
        self.assertIn("make room on the disk of the database server", said)
        (place / "filler").unlink()
        self.assertIn("equal in every value", self.migrate(file, code=0))
        self.over.broker(file=file).wait_for("journal_taken")


if __name__ == "__main__":
    if programs() is None:
        print("skipped: there is no PostgreSQL here (/usr/lib/postgresql)")
        sys.exit(77)
    unittest.main()
