"""Systems with a gateway, asked over HTTP by the standard library's client."""

import contextlib
import http.client
import json
import socket
import threading
import uuid

from harness import PATIENCE, Process, System, SystemTest, free_port, new_id, text_of

JSON = {"Content-Type": "application/json"}


class Answer:
    def __init__(self, status: int, fields: http.client.HTTPMessage, body: bytes):
        self.status, self.fields, self.body = status, fields, body

    @property
    def json(self) -> dict:
        return json.loads(self.body)

    def __repr__(self) -> str:
        return f"{self.status} {self.body.decode(errors='replace')}"


def uuid7() -> str:
    return text_of(new_id())


def uuid4() -> str:
    return str(uuid.uuid4())


class Gateway:
    """Where a gateway of a system listens, and the requests to it."""

    def __init__(self, port: int):
        self.port = port

    def ask(self, method: str, path: str, body: object = None, within: float = PATIENCE,
            **fields: str) -> Answer:
        """`fields` are called with _ for -. A body that is no text is sent as JSON."""
        headers = {name.replace("_", "-"): value for name, value in fields.items()}
        if body is not None:
            headers = {**JSON, **headers}
            body = body if isinstance(body, (str, bytes)) else json.dumps(body)
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=within)
        with contextlib.closing(connection):
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            return Answer(answer.status, answer.headers, answer.read())


class Stream:
    """A stream of events, and what came of it: (id, topic, data), the notices too."""

    def __init__(self, gateway: Gateway, path: str, paused: bool = False, **fields: str):
        self._socket = socket.create_connection(("127.0.0.1", gateway.port), PATIENCE)
        lines = [f"GET {path} HTTP/1.0", f"Host: 127.0.0.1:{gateway.port}",
                 *(f"{name.replace('_', '-')}: {value}" for name, value in fields.items())]
        self._socket.sendall("\r\n".join([*lines, "", ""]).encode())
        self._lines = self._socket.makefile("rb")
        self.status = int(self._lines.readline().split()[1])
        self.fields = http.client.parse_headers(self._lines)
        self.last_id = ""
        self.events: list[tuple[int, str, dict]] = []
        self.is_over = False
        self._news = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        if not paused:
            self.read()

    def read(self) -> None:
        """Begins to read, if it was `paused`."""
        self._reader.start()

    def _read(self) -> None:
        block: dict[str, str] = {}
        with contextlib.suppress(OSError):
            while line := self._lines.readline():
                text = line.decode().rstrip("\n")
                name, _, value = text.partition(":")
                if text:
                    block[name] = value.removeprefix(" ")
                    continue
                self._take(block)
                block = {}
        with self._news:
            self.is_over = True
            self._news.notify_all()

    def _take(self, block: dict[str, str]) -> None:
        with self._news:
            self.last_id = block.get("id", self.last_id)
            if "data" in block:
                self.events.append((int(block["id"]), block["event"], json.loads(block["data"])))
            self._news.notify_all()

    def wait(self, condition) -> None:
        with self._news:
            if not self._news.wait_for(condition, PATIENCE):
                raise AssertionError(f"after {PATIENCE} s: {self.events[-3:]}, {self.last_id}")

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._reader.join(PATIENCE)
        self._lines.close()
        self._socket.close()


class GatewayTest(SystemTest):
    """A system with one gateway, whose routes are the test's."""

    def served(self, capabilities: dict[str, str], routes: str, *, more: str = "", keys: str = "",
               scheme: str = "http", **others: object) -> tuple[System, Gateway]:
        """A system of these, with a broker and a worker, and where its gateway will listen."""
        port = free_port()
        lines = "\n".join(f"      {line}" for line in routes.strip().splitlines())
        gateways = (f'gateways:\n  g1:\n    listen: "{scheme}://127.0.0.1:{port}"\n{keys}'
                    f"    routes:\n{lines}\n")
        system = self.system(capabilities, nodes=("n1",), more=f"{more}\n{gateways}", **others)
        return system, Gateway(port)

    def start(self, system: System, **more: object) -> Process:
        process = system.run("troupe-gateway", "g1", **more)
        process.wait_for("gateway.started")
        return process

    def stream(self, gateway: Gateway, path: str, **more: object) -> Stream:
        made = Stream(gateway, path, **more)
        self.addCleanup(made.close)
        return made

    def assert_problem(self, status: int, code: str, answer: Answer) -> dict:
        self.assertEqual((status, "application/problem+json"),
                         (answer.status, answer.fields["Content-Type"]), answer)
        self.assertEqual((status, code), (answer.json["status"], answer.json["code"]), answer)
        self.assertTrue(answer.json["detail"], answer)
        return answer.json
