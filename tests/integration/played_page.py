"""The files of the page as a gateway serves them, over a state that the test says."""

import http.server
import json
import pathlib
import threading

from harness import SOURCE

FOLDER = SOURCE / "nodes" / "page"
POLICY = "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}


def group(name: str, **more: object) -> dict:
    return {"capability": name, "store": "none", "breaker": "closed", "forced_by": "", "forced_why": "",
            "forced_since": "", "credit": 512, "in_hand": 3, "answered": 12, "failed": 0, "repeats": 0, "turns": 9,
            "events_credit": 0, "events_in_hand": 0, "outbox_depth": 0, "outbox_confirmed": 0, "outbox_trouble": "",
            "down_reason": "", "rate_per_s": 12.5, "restarts": 0, "replicas": [], **more}


def state(names: list[str], nodes: tuple = ("n1", "n2"), **more: object) -> dict:
    """A system that is well, but for what `more` says."""
    return {
        "system": "played", "file": "played.yaml", "gateway": "g1", "incarnation": "one", "at": 1_800_000_000_000,
        "headline": "played is healthy", "journal": "b1", "orders": ["letters", "breakers", "sagas"], "verdict": "healthy", "troubles": [],
        "capabilities": [{
            "name": each, "state": "ok", "nodes_serving": 2, "nodes_meant": 2, "rate_per_s": 25, "p99_us": 2_500, "queue": 0, "lag": None,
            "dead_letters": None, "restarts": 0, "breaker": "closed", "sagas": None} for each in names],
        "brokers": [{"name": "b1", "answers": True, "status": {
            "uptime_ms": 60_000, "draining": False, "calls_held": 0, "counters": {"answered": 1, "refused": 0},
            "events": []}}],
        "nodes": [{"name": node, "answers": True, "status": {
            "pid": 1, "groups": [group(each) for each in names]}} for node in nodes],
        "gateways": [{"name": "g1", "listen": "http://127.0.0.1:8080", "admin": "", "live": True, "brokers": ["b1"]}],
        "places": {
            "nodes": [{"name": node, "host": "here", "presence": "live", "away_ms": None, "up_ms": 60_000,
                       "draining": False} for node in nodes],
            "runs": {each: [{"node": node, "is": "ok", "word": "ok", "rate_per_s": 12.5, "in_hand": 3, "credit": 512,
                             "p99_us": 1_500} for node in nodes] for each in names}},
        "events": {"last": 0, "topics": [], "groups": []}, "sagas": {"counts": {}, "list": []}, "letters": [],
        "traces": [], "features": {"list": [], "differences": []}, **more}


SAGA = {"id": "c", "capability": "one", "operation": "place", "state": "parked", "step": "do charge", "code": "rejected",
        "reason": "by ann", "maybe_done": False, "since": 1, "nodes": ["n1"]}
TRACE = {"trace": "t", "name": "POST /orders", "node": "g1", "at": 1_800_000_000_000, "us": 9_000, "spans": 3, "failed": 1}


def history(*more: dict) -> dict:
    """What one saga did."""
    records = [("started", "", 0, ""), ("calling", "reserve", 1, ""), ("done", "reserve", 1, ""), ("calling", "charge", 1, ""),
               ("failed", "charge", 1, "the provider is away"), ("calling", "charge", 2, ""), ("parked", "charge", 2, "by ann")]
    return {"capability": "one", "operation": "place", "state": "parked", "step": "do charge", "owner": "n1", "effects": ["charge"],
            "deadline": 1_800_000_600_000, "unread": "", "next": None, "records": [
                {"at": 1_800_000_000_000 + n * 1000, "what": what, "step": step, "attempt": attempt, "note": said}
                for n, (what, step, attempt, said) in enumerate(records)] + list(more)}


def spans(*more: dict, **others: object) -> dict:
    """The spans of one trace: one below the other, and out of order."""
    names = ("one.place", "POST /orders", "queue one")
    ids, above = ("b", "a", "c"), ("a", "", "a")
    return {"silent": [], "cut": [], "spans": [
        {"span": ids[n], "parent": above[n], "node": "g1" if n == 1 else "n1", "name": name, "kind": "server",
         "start_us": 1_800_000_000_000_000 + (0 if n == 1 else 1_000 * (4 - n)), "us": 9_000 if n == 1 else 2_000,
         "failed": n == 0, "notes": {"troupe.operation": "place"}} for n, name in enumerate(names)] + list(more), **others}


class PlayedPage:
    """Serves until `close`; what it answers may be changed meanwhile."""

    def __init__(self, answer: dict):
        self.answer = answer
        self.orders: list[tuple[str, dict, dict]] = []
        self.refusal: tuple[int, dict] | None = None  # Of who asks for the state.
        self.details: dict[str, dict] = {}  # By path: "traces/t".
        self.looks = 0
        self.order_answer: tuple[int, dict] = (200, {"done": "it is done"})
        page = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                name = self.path.removeprefix("/ui").lstrip("/") or "page.html"
                status, said = 200, page.answer
                if name == "state":
                    page.looks += 1
                    if page.refusal is not None:
                        status, said = page.refusal
                    kind, body = "application/json", json.dumps(said).encode()
                elif name.startswith(("sagas/", "traces/")):
                    status = 200 if name in page.details else 404
                    kind, body = "application/json", json.dumps(page.details.get(name, {"detail": f"no {name}"})).encode()
                else:
                    path = FOLDER / pathlib.Path(name).name
                    kind, body = TYPES[path.suffix], path.read_bytes()
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Security-Policy", POLICY)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def do_POST(self):
                size = int(self.headers["Content-Length"])
                page.orders.append((self.path, json.loads(self.rfile.read(size)), dict(self.headers)))
                status, said = page.order_answer
                body = json.dumps(said).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_words):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
