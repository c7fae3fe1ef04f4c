"""A collector of traces over OTLP/HTTP, and a reader of what it is sent."""

import contextlib
import http.server
import threading
import time

from harness import PATIENCE


def fields_of(data: bytes) -> list[tuple[int, int, object]]:
    """The fields of a protobuf message: number, wire type, value."""
    found, at = [], 0

    def varint() -> int:
        nonlocal at
        value = shift = 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    while at < len(data):
        tag = varint()
        if tag & 7 == 0:
            value = varint()
        elif tag & 7 == 1:
            value = int.from_bytes(data[at:at + 8], "little")
            at += 8
        elif tag & 7 == 2:
            size = varint()
            value = data[at:at + size]
            at += size
        else:
            raise ValueError(f"wire type {tag & 7}")
        found.append((tag >> 3, tag & 7, value))
    if at != len(data):
        raise ValueError("cut off")
    return found


def attributes(message: bytes, number: int) -> dict[str, str]:
    found = {}
    for tag, _, pair in fields_of(message):
        if tag == number:
            parts = {key: value for key, _, value in fields_of(pair)}
            found[parts[1].decode()] = {key: value for key, _, value in fields_of(parts[2])}[1].decode()
    return found


def spans_in(body: bytes) -> list[dict]:
    """The spans of an ExportTraceServiceRequest (opentelemetry-proto 1.3)."""
    found = []
    for _, _, resource_spans in fields_of(body):
        parts = fields_of(resource_spans)
        process = attributes(next(value for tag, _, value in parts if tag == 1), 1)
        for scope in (value for tag, _, value in parts if tag == 2):
            for span in (value for tag, _, value in fields_of(scope) if tag == 2):
                one = {tag: value for tag, _, value in fields_of(span)}
                found.append({"trace": one[1].hex(), "id": one[2].hex(), "state": one.get(3, b"").decode(),
                              "parent": one.get(4, b"").hex(), "failed": 15 in one,
                              "name": one[5].decode(), "kind": one[6], "start": one[7], "end": one[8],
                              "node": process["service.name"], "notes": attributes(span, 9)})
    return found


class Collector(http.server.ThreadingHTTPServer):
    """Takes traces over OTLP/HTTP; answers what `status` says."""

    daemon_threads = True

    def __init__(self, status: int = 200):
        super().__init__(("127.0.0.1", 0), Handler)
        self.status = status
        self.answer = b""
        self.retry_after = ""
        self.asked: list[tuple[float, str]] = []  # When, by the monotonic clock, and by whom.
        self.bodies: list[bytes] = []
        self.news = threading.Condition()
        self.hangs = threading.Event()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/v1/traces"

    def spans(self) -> list[dict]:
        with self.news:
            return [span for body in self.bodies for span in spans_in(body)]

    def wait_for(self, names: set[str], trace: str = "") -> list[dict]:
        until = time.monotonic() + PATIENCE
        while True:
            found = [each for each in self.spans() if trace in ("", each["trace"])]
            if names <= {each["name"] for each in found}:
                return found
            with self.news:
                if time.monotonic() > until or not self.news.wait(until - time.monotonic()):
                    raise AssertionError(f"no {names - {each['name'] for each in found}}: {found}")


    def wait_for_more(self, trace: str, than: int) -> list[dict]:
        """The spans of a trace, once there are more of them."""
        until = time.monotonic() + PATIENCE
        while len(found := [each for each in self.spans() if each["trace"] == trace]) <= than:
            with self.news:
                if time.monotonic() > until or not self.news.wait(until - time.monotonic()):
                    raise AssertionError(f"no more than {than}: {found}")
        return found


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):  # noqa: N802: the library's name
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.server.hangs.is_set():
            self.connection.recv(1)  # Until the other side gives up.
            return
        with self.server.news:
            self.server.asked.append((time.monotonic(), spans_in(body)[0]["node"]))
            if self.server.status == 200:
                self.server.bodies.append(body)
            self.server.news.notify_all()
        self.send_response(self.server.status)
        self.send_header("Content-Length", str(len(self.server.answer)))
        if self.server.retry_after:
            self.send_header("Retry-After", self.server.retry_after)
        self.end_headers()
        with contextlib.suppress(OSError):  # An answer that is too long is not read to its end.
            self.wfile.write(self.server.answer)

    def log_message(self, *_):
        pass
