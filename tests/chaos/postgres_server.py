"""A PostgreSQL server of a test's own, in a folder that goes with it, reached through a socket there."""

import contextlib
import os
import pathlib
import pwd
import shutil
import signal
import subprocess
import tempfile

import server_copy

_FOLDERS = pathlib.Path("/usr/lib/postgresql")
_DATABASE = "postgres"
_START_SECONDS = 30


def programs() -> pathlib.Path | None:
    """The folder of the newest release that is installed."""
    found = sorted(each.parent for each in _FOLDERS.glob("*/bin/postgres"))
    return found[-1] if found else None


class PostgresServer:
    """Run by root, it runs as the user `postgres`: the server refuses root."""

    def __init__(self, parent: str | None = None, **settings: str) -> None:
        """@param parent: where its folder is made; by default where the system has its temporary ones."""
        bin_folder = programs()
        assert bin_folder is not None
        self._bin = bin_folder
        self._user = pwd.getpwnam("postgres") if os.getuid() == 0 else None
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="troupe-postgres-", dir=parent))
        if self._user:
            os.chown(self.folder, self._user.pw_uid, self._user.pw_gid)
        self._settings = {"unix_socket_directories": str(self.folder), "listen_addresses": "",
                          "port": "5432", "shared_buffers": "32MB", "max_connections": "60", **settings}
        self._process: subprocess.Popen | None = None
        self._alive = -1
        self._make_data()
        self.start()

    def _make_data(self) -> None:
        self._run("initdb", "-D", str(self.folder / "data"), "--username=postgres", "--auth=trust",
                  "--encoding=UTF8", "--locale=C", "--no-sync", "--wal-segsize=4")

    @property
    def url(self) -> str:
        return f"postgresql:///{_DATABASE}?host={self.folder}&port=5432&user=postgres"

    def _who(self) -> dict:
        if not self._user:
            return {}
        return {"user": self._user.pw_uid, "group": self._user.pw_gid, "extra_groups": []}

    def _run(self, program: str, *words: str) -> str:
        done = subprocess.run([str(self._bin / program), *words], capture_output=True, text=True,
                              check=False, cwd="/", env={**os.environ, "LC_ALL": "C"}, **self._who())
        if done.returncode != 0:
            raise RuntimeError(f"{program} failed: {done.stdout}{done.stderr}")
        return done.stdout

    def start(self) -> None:
        words = [word for name, value in self._settings.items() for word in ("-c", f"{name}={value}")]
        self._alive, held = os.pipe()
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [str(self._bin / "postgres"), "-D", str(self.folder / "data"), *words],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, pass_fds=(held,), cwd="/",
                **self._who())
        os.close(held)
        while subprocess.run([str(self._bin / "pg_isready"), "-q", "-h", str(self.folder), "-t", "5"],
                             check=False).returncode != 0:
            if self._process.poll() is not None:
                raise RuntimeError((self.folder / "log").read_text())

    def _end(self, how: int) -> None:
        if self._process is None:
            return
        self._process.send_signal(how)
        self._process.wait(_START_SECONDS)
        self._process = None
        os.read(self._alive, 1)  # Its children hold the other end until they have ended, too.
        os.close(self._alive)

    def kill(self) -> None:
        """SIGKILL, as the kernel does that has no memory left."""
        self._end(signal.SIGKILL)

    def pids(self) -> list[int]:
        """Of the postmaster and its children."""
        pid = self._process.pid
        children = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return [pid, *map(int, children)]

    def _signal_all(self, number: int) -> None:
        for each in self.pids():
            with contextlib.suppress(ProcessLookupError):
                os.kill(each, number)

    def freeze(self) -> None:
        """Stops all its processes where they are, as a host that is paused."""
        self._signal_all(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal_all(signal.SIGCONT)

    def promote(self) -> None:
        """Makes a primary of a standby, which waits for no standby of its own."""
        self.psql("ALTER SYSTEM SET synchronous_standby_names = '';")
        self._run("pg_ctl", "promote", "-w", "-D", str(self.folder / "data"))

    def close(self) -> None:
        if self._process is not None:
            self.thaw()
        self._end(signal.SIGQUIT)
        shutil.rmtree(self.folder)

    def _psql(self) -> list[str]:
        return [str(self._bin / "psql"), "-h", str(self.folder), "-U", "postgres", "-d", _DATABASE, "-X",
                "-q", "-t", "-A", "-v", "ON_ERROR_STOP=1", "-f", "-"]

    @contextlib.contextmanager
    def open_transaction(self, first: str = ""):
        """Somebody looks at everything as it is now, for as long as that takes: a dump, say. `first` is a
        statement of theirs."""
        with subprocess.Popen(self._psql(), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              text=True) as child:
            child.stdin.write(f"BEGIN ISOLATION LEVEL REPEATABLE READ;\n{first}\nSELECT 'open';\n")
            child.stdin.flush()
            assert child.stdout.readline() == "open\n"
            yield
            child.stdin.close()

    def psql(self, script: str) -> list[str]:
        """The lines that a script answers; every one of its statements must work."""
        done = subprocess.run(
            self._psql(),
            input=script, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise RuntimeError(done.stderr)
        return done.stdout.splitlines()

    def copy_to_files(self, folder: pathlib.Path) -> list[str]:
        """Copies every schema, all as they are at one moment, into SQLite files. Returns their names."""
        return server_copy.copy_to_files(self.psql, folder)


class PostgresStandby(PostgresServer):
    """A standby that follows `primary` until it is promoted."""

    def __init__(self, primary: PostgresServer, parent: str | None = None, **settings: str) -> None:
        self._primary = primary
        super().__init__(parent, **settings)

    def _make_data(self) -> None:
        self._run("pg_basebackup", "-h", str(self._primary.folder), "-p", "5432", "-U", "postgres",
                  "-D", str(self.folder / "data"), "-X", "stream", "-c", "fast", "-R", "--no-sync")
