"""A private PostgreSQL server for tests: in a folder of its own, at a port the system gave, gone with the test."""

import contextlib
import os
import pathlib
import pwd
import shutil
import signal
import subprocess
import tempfile

from harness import free_port

BIN = pathlib.Path(os.environ.get("TROUPE_POSTGRESQL", "/usr/lib/postgresql/15/bin"))


def is_installed() -> bool:
    return (BIN / "initdb").exists()


class Postgres:
    """Runs as the user postgres where the test is root, as the server refuses to be root."""

    def __init__(self) -> None:
        self._folder = pathlib.Path(tempfile.mkdtemp(prefix="troupe-postgres-"))
        self._data = self._folder / "data"
        self.port = free_port()
        self.url = f"postgresql://postgres@127.0.0.1:{self.port}/postgres"
        self._user = pwd.getpwnam("postgres") if os.geteuid() == 0 else None
        if self._user:
            os.chown(self._folder, self._user.pw_uid, self._user.pw_gid)
        self._run("initdb", "-D", str(self._data), "-U", "postgres", "--auth=trust", "--no-sync",
                  "--locale=C", "--encoding=UTF8")
        with open(self._data / "postgresql.conf", "a") as file:
            file.write(f"port = {self.port}\nlisten_addresses = '127.0.0.1'\n"
                       f"unix_socket_directories = '{self._folder}'\nmax_connections = 40\n"
                       "shared_buffers = 32MB\nlog_min_messages = fatal\n")
        self.start()

    def _run(self, program: str, *words: str) -> str:
        def become() -> None:
            if self._user:
                os.setgid(self._user.pw_gid)
                os.setuid(self._user.pw_uid)

        done = subprocess.run([str(BIN / program), *words], cwd=self._folder, preexec_fn=become,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, timeout=120, check=False)
        if done.returncode != 0:
            raise AssertionError(f"{program} {' '.join(words)}:\n{done.stdout}")
        return done.stdout

    def start(self) -> None:
        """Returns once it takes connections."""
        self._run("pg_ctl", "-D", str(self._data), "-l", str(self._folder / "log"), "-w", "start")

    def stop(self) -> None:
        """As it would be at an orderly shutdown of the machine, without waiting for sessions."""
        self._run("pg_ctl", "-D", str(self._data), "-m", "fast", "-w", "stop")

    def kill(self) -> None:
        """kill -9 of the postmaster and, as the machine would, of all that it has started."""
        first = int((self._data / "postmaster.pid").read_text().split()[0])
        children = pathlib.Path(f"/proc/{first}/task/{first}/children").read_text().split()
        for each in (first, *map(int, children)):
            with contextlib.suppress(ProcessLookupError):
                os.kill(each, signal.SIGKILL)

    def rows(self, statement: str) -> list[list[str]]:
        """What a query finds, as text."""
        said = self._run("psql", "-X", "-A", "-t", "-F", "\t", "-d", self.url, "-c", statement)
        return [line.split("\t") for line in said.splitlines()]

    def close(self) -> None:
        with contextlib.suppress(AssertionError, subprocess.TimeoutExpired):
            self._run("pg_ctl", "-D", str(self._data), "-m", "immediate", "-w", "stop")
        shutil.rmtree(self._folder, ignore_errors=True)
