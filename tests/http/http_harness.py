"""An HTTP server of a test's own, raw connections to it, and curl. Nothing here sleeps."""

import os
import pathlib
import queue
import re
import shutil
import socket
import subprocess
import sys
import threading
import unittest

BIN = pathlib.Path(os.environ.get("TROUPE_BIN", "build/dev/bin"))
# How long to wait for what should take milliseconds: a busy machine is no reason to fail.
PATIENCE = 20.0
# What ctest takes for a test that was not run.
SKIPPED = 77


class Server:
    """http_test_server with options such as `idle=200`; `say` gives it an order."""

    def __init__(self, *options: str, preexec=None):
        self.process = subprocess.Popen(
            [str(BIN / "http_test_server"), *options], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, text=True, preexec_fn=preexec)
        self._lines: queue.Queue[str] = queue.Queue()
        self._replies: queue.Queue[str] = queue.Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self.address = self.line()
        host, _, port = self.address.rpartition(":")
        self.where = (host, int(port)) if port.isdigit() else None

    def _read(self) -> None:
        for line in self.process.stdout:
            to = self._replies if line.startswith("= ") else self._lines
            to.put(line.rstrip("\n").removeprefix("= "))

    def line(self) -> str:
        """The next line that it says of itself."""
        return self._next(self._lines)

    def reply(self) -> str:
        """What came of an order."""
        return self._next(self._replies)

    @staticmethod
    def _next(lines: queue.Queue) -> str:
        try:
            return lines.get(timeout=PATIENCE)
        except queue.Empty:
            raise AssertionError("the server said nothing") from None

    def order(self, order: str) -> None:
        self.process.stdin.write(order + "\n")
        self.process.stdin.flush()

    def say(self, order: str) -> str:
        self.order(order)
        return self.reply()

    def counts(self) -> dict[str, int]:
        return {name: int(value) for name, value in
                (each.split("=") for each in self.say("counts").split())}

    def connect(self, receive_bytes: int = 0) -> socket.socket:
        raw = socket.socket()
        raw.settimeout(PATIENCE)
        if receive_bytes:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        try:
            raw.connect(self.where)
        except OSError:
            raw.close()
            raise
        return raw

    def memory_bytes(self) -> int:
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+) kB", status).group(1)) * 1024

    def cpu_ticks(self) -> int:
        stat = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return int(stat[11]) + int(stat[12])

    def close(self) -> None:
        self.process.stdin.close()
        try:
            code = self.process.wait(PATIENCE)
        finally:
            self.process.kill()
            self.process.wait()
            self._reader.join()
            self.process.stdout.close()
        if code not in (0, 1):
            raise AssertionError(f"the server ended with {code}")


def read_all(raw: socket.socket) -> bytes:
    """What comes until the server closes; a reset is a fault."""
    parts = []
    while part := raw.recv(65536):
        parts.append(part)
    return b"".join(parts)


def read_answer(raw: socket.socket) -> tuple[int, bytes, bytes]:
    """Status, head and body of one answer with a length."""
    data = b""
    while b"\r\n\r\n" not in data:
        part = raw.recv(1)
        if not part:
            raise AssertionError(f"closed in the middle of a head: {data!r}")
        data += part
    length = re.search(rb"Content-Length: (\d+)", data)
    body = b""
    while length and len(body) < int(length.group(1)):
        part = raw.recv(int(length.group(1)) - len(body))
        if not part:
            raise AssertionError("closed in the middle of a body")
        body += part
    return int(data.split()[1]), data, body


def exchange(server: Server, sent: bytes) -> bytes:
    """All that is answered to `sent` on a connection of its own."""
    with server.connect() as raw:
        raw.sendall(sent)
        return read_all(raw)


def curl(*words: str) -> subprocess.CompletedProcess:
    return subprocess.run(["curl", "-sS", "--max-time", str(int(PATIENCE)), *words],
                          capture_output=True, text=True, check=False)


def get(path: str = "/", more: str = "") -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: a\r\n{more}\r\n".encode()


class Case(unittest.TestCase):
    def serve(self, *options: str, **more) -> Server:
        server = Server(*options, **more)
        self.addCleanup(server.close)
        return server

    def settle(self, server, **wanted: int) -> None:
        """Waits until the server counts what is wanted."""
        for _ in range(100_000):
            counts = server.counts()
            if all(counts[name] == value for name, value in wanted.items()):
                return
        self.fail(f"{counts} is not {wanted}")

    def assertHealthy(self, server: Server) -> None:
        self.assertEqual("200", curl("-o", "/dev/null", "-w", "%{http_code}",
                                     f"http://{server.address}/").stdout)


def main(*judges: str) -> None:
    """Runs the tests of a file, if the programs that judge are there."""
    missing = [each for each in judges if shutil.which(each) is None]
    if missing:
        print(f"skipped: there is no {' and no '.join(missing)}", file=sys.stderr)
        sys.exit(SKIPPED)
    unittest.main()
