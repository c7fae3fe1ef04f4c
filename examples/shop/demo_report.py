"""What the demo shows: lines while it runs, and a short table at its end."""

import bisect
import dataclasses
import json
import os
import pathlib
import sys
import threading
import time


# For so long after the last kill, a gap is put down to it.
AFTERMATH_SECONDS = 30.0


@dataclasses.dataclass
class Kill:
    """One SIGKILL, and what clients noticed of it. Times are of the monotonic clock."""

    name: str
    kind: str
    pid: int
    at: float
    answered: int
    process_after: float | None = None  # Seconds until `troupe up` had started another process.
    ready_after: float | None = None  # Seconds until that one had logged in and answered.
    gap_ms: float | None = None


def answer_times(client_log: pathlib.Path) -> list[float]:
    """When orders were answered, in seconds, in order: from the client's own log."""
    found = []
    with client_log.open() as lines:
        for line in lines:
            record = json.loads(line)
            if record["phase"] == "return" and (record["outcome"] == "ok" or record.get("reason")):
                found.append(record["t_mono_us"] / 1e6)
    return sorted(found)


def measure_gaps(kills: list[Kill], answers: list[float]) -> None:
    """For each kill: the longest time without an answer from then until the next kill."""
    for kill, following in zip(kills, [*kills[1:], None]):
        until = following.at if following else kill.at + AFTERMATH_SECONDS
        first = max(bisect.bisect_right(answers, kill.at) - 1, 0)
        last = bisect.bisect_left(answers, until)
        around = answers[first:last + 1]
        # What of a gap comes after the next kill is that one's.
        kill.gap_ms = max((1000 * (min(b, until) - max(a, kill.at))
                           for a, b in zip(around, around[1:])), default=None)


class Screen:
    """Prints for a person at a terminal, or plainly into a file."""

    def __init__(self) -> None:
        self._is_terminal = sys.stdout.isatty()
        self._has_colours = self._is_terminal and not os.environ.get("NO_COLOR")
        self._has_progress = False
        self._began = time.monotonic()
        self._lock = threading.Lock()  # Lines come from whoever kills, too.

    def _paint(self, text: str, code: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self._has_colours else text

    def strong(self, text: str) -> str:
        return self._paint(text, "1")

    def good(self, text: str) -> str:
        return self._paint(text, "1;32")

    def bad(self, text: str) -> str:
        return self._paint(text, "1;31")

    def line(self, text: str = "") -> None:
        with self._lock:
            self._end_progress()
            print(text, flush=True)

    def step(self, text: str) -> None:
        since = time.monotonic() - self._began
        self.line(f"{self._paint(f'{since:6.1f} s', '2')}  {text}")

    def progress(self, answered: int, orders: int) -> None:
        if not self._is_terminal:
            return
        width = 40
        filled = width * answered // max(orders, 1)
        with self._lock:
            print(f"\r          [{'#' * filled}{'.' * (width - filled)}] "
                  f"{answered:,} of {orders:,} answered\x1b[K", end="", flush=True)
            self._has_progress = True

    def _end_progress(self) -> None:
        if self._has_progress:
            print("\r\x1b[K", end="")
            self._has_progress = False


def _milliseconds(value: float | None) -> str:
    return "-" if value is None else f"{value:,.0f} ms" if value >= 10 else f"{value:.1f} ms"


def _table_of_kills(screen: Screen, kills: list[Kill], began: float) -> None:
    head = f"  {'killed (SIGKILL)':<18}{'at':>8}{'started again':>16}{'serving again':>16}" \
           f"{'longest gap for clients':>26}"
    screen.line(screen.strong(head))
    for kill in kills:
        process = None if kill.process_after is None else 1000 * kill.process_after
        ready = None if kill.ready_after is None else 1000 * kill.ready_after
        screen.line(f"  {kill.kind + ' ' + kill.name:<18}{kill.at - began:>6.1f} s"
                    f"{_milliseconds(process):>16}{_milliseconds(ready):>16}"
                    f"{_milliseconds(kill.gap_ms):>26}")


def show_table(screen: Screen, load: dict, kills: list[Kill], check: dict, restarts: int) -> None:
    """The few figures that matter."""
    def row(what: str, value: object, note: str = "") -> None:
        text = f"{value:,}" if isinstance(value, int) else str(value)
        screen.line(f"  {what:<30}{text:>12}   {note}".rstrip())

    rejected = load["rejected"]
    screen.line()
    row("orders answered", load["answered"])
    row("  confirmed", load["confirmed"])
    row("  rejected", sum(rejected.values()),
        ", ".join(f"{reason} {count:,}" for reason, count in sorted(rejected.items())))
    row("orders unanswered", load["unanswered"])
    row("orders wrong in the books", wrong_orders(check))
    failed = load["failed_calls"]
    row("calls of 5 s that failed", sum(failed.values()),
        ", ".join(f"{code} {count:,}" for code, count in sorted(failed.items()))
        or f"of {load['calls']:,}")
    row("throughput", f"{load['per_second']:,.0f}/s")
    row("time to answer, p50", _milliseconds(load.get("p50_ms")))
    row("time to answer, p99", _milliseconds(load.get("p99_ms")),
        f"longest {_milliseconds(load.get('max_ms'))}")
    row("longest gap between answers", _milliseconds(load["longest_gap_ms"]))
    row("processes killed", len(kills), f"started again: {restarts}" if kills or restarts else "")
    screen.line()
    if kills:
        _table_of_kills(screen, kills, load["began_us"] / 1e6)
        screen.line()


def wrong_orders(check: dict) -> int:
    return sum(result["violations"] for result in check["invariants"].values())


def show_check(screen: Screen, check: dict) -> None:
    """The checker's verdict: one line for each invariant, more for one that is violated."""
    screen.line(screen.strong("  the books, by an independent checker"))
    for name, result in check["invariants"].items():
        verdict = screen.bad(f"{result['violations']} violated") if result["violations"] else \
            screen.good("ok") if result["checked"] else "not checked"
        if result["without"]:
            verdict += f" ({', '.join(result['without'])})"
        screen.line(f"  {name:<5}{result['what']:<65}{verdict}")
        if result["violations"]:
            screen.line(f"       first: {result['first_key']}: {result['first']}")
    if not check["liveness"]["quiet"]:
        screen.line("  " + screen.bad("not everything has ended: ") + json.dumps(check["liveness"]))
    counts = check["counts"]
    screen.line(f"       {counts['sagas']:,} sagas, {counts['taken_over']:,} taken over by another worker")
    screen.line(f"       {counts['provider_transfers']:,} transfers of money, "
                f"{counts['provider_repeats']:,} asked for twice and made once")
    screen.line()
