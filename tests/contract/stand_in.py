"""A provider of HTTP and of messages whose answers a test sets, and the contracts that a consumer wrote."""

import base64
import copy
import http.server
import json
import os
import pathlib
import subprocess
import threading
import unittest

BIN = pathlib.Path(os.environ.get("TROUPE_BIN", "build/dev/bin"))
ID = "0198f1d2-0000-7000-8000-000000000001"

# What fits each matcher of contract_writer.cpp, and what does not.
MATCHERS = {
    "equality": ("same", "other"),
    "type": ("another", 5),
    "number": (2.5, "2.5"),
    "integer": (7, 7.5),
    "decimal": (2.25, 2),
    "boolean": (False, "no"),
    "null": (None, 0),
    "regex": ("o23", "o1 and more"),
    "include": ("Idaho", "Bob"),
    "uuid": (ID, "0198f1d2"),
    "datetime": ("2027-01-01T00:00:00Z", "2027-01-01"),
    "min": ([{"sku": "b"}, {"sku": "c"}, {"sku": "d"}], [{"sku": "b"}]),
    "max": ([2], [2, 3, 4]),
    "nested": ([{"sku": "b"}, {"sku": "c"}], [{"sku": "b"}, {"sku": "C"}]),
    "containing": (["x", {"kind": "a", "n": 9}], [{"kind": "a", "n": "9"}]),
    "each_value": ({"bob": 2, "eve": 3}, {"bob": "2"}),
    "each_key": ({"k2": "y"}, {"x2": "y"}),
    "plain": ({"a": 1, "more": 2}, {"a": 2}),
}


class Provider:
    """Serves `answers` (path to JSON, or to status and JSON), states and messages (description to JSON and
    metadata); notes the states and the paths it was asked for."""

    def __init__(self) -> None:
        self.answers: dict[str, object] = {
            "/users/123": {"id": "123", "name": "Grace", "email": "grace@shop.example", "more": 1}}
        self.messages: dict[str, tuple[object, dict]] = {}
        self.states: list[str] = []
        self.asked: list[str] = []
        provider = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                provider.asked.append(self.path)
                if self.path in provider.answers:
                    said = provider.answers[self.path]
                    self.say(*(said if isinstance(said, tuple) else (200, said)))
                else:
                    self.say(404, {"code": "no_such_path"})

            def do_POST(self) -> None:
                asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])) or b"{}")
                if self.path == "/_pact/state":
                    provider.states.append(asked["state"])
                    self.say(200, {})
                elif self.path == "/_pact/messages" and asked["description"] in provider.messages:
                    body, metadata = provider.messages[asked["description"]]
                    self.say(200, body, base64.b64encode(json.dumps(metadata).encode()).decode())
                else:
                    self.say(404, {"code": "no_such_message"})

            def say(self, status: int, body: object, metadata: str = "") -> None:
                data = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                if metadata:
                    self.send_header("Pact-Message-Metadata", metadata)
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_: object) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def set_matchers(self, which: int) -> None:
        """Answers each matcher with what fits (0) or does not (1)."""
        for name, values in MATCHERS.items():
            self.answers[f"/matchers/{name}"] = {"value": values[which]}


def write_contracts(folder: pathlib.Path) -> None:
    """Has the consumer write web-shop.json, mailer-shop.json and web-users.json."""
    done = subprocess.run([str(BIN / "contract_writer"), str(folder)], capture_output=True, text=True,
                          timeout=60, check=False)
    if done.returncode:
        raise AssertionError(f"the consumer wrote no contract: {done.stderr}")


def one_of(contract: dict, description: str) -> dict:
    """The contract with one of its interactions alone."""
    made = copy.deepcopy(contract)
    made["interactions"] = [
        each for each in made["interactions"] if each["description"] == description]
    return made


def verify(*words: object) -> subprocess.CompletedProcess:
    return subprocess.run([str(BIN / "troupe"), "contract", "verify", *map(str, words)],
                          capture_output=True, text=True, timeout=120, check=False)


class Case(unittest.TestCase):
    maxDiff = None

    def provider(self) -> Provider:
        made = Provider()
        self.addCleanup(made.close)
        return made

    def write(self, folder: pathlib.Path, contract: dict, name: str = "one.json") -> pathlib.Path:
        path = folder / name
        path.write_text(json.dumps(contract))
        return path
