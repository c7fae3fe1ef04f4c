#!/usr/bin/env python3
"""Measures Troupe beside its peers, interleaved in one run, and says which bars are met.

    bench.py calls|turns|sagas|all --bin DIR [--json FILE] [--runs N] [--seconds S]

calls   client -> broker -> worker's actor -> back: Troupe's batching client and a plain two-frame
        one beside bare ZeroMQ and NATS
turns   a command whose effect is committed beside a call that commits nothing
sagas   the order saga, from the order to its confirmation

Two series: `pinned`, all processes on one processor, which shows the cost of a message, and
`unpinned`. Systems take turns (A B C A B C ...), so that what else the machine does hits them alike.
"""

import argparse
import json
import os
import pathlib
import statistics
import sys
import tempfile

from machine import ForeignCpu, pinned_to
from systems import Nats, Reference, Troupe, compiled

CALL_WINDOWS = (1, 64, 1000)
SAGA_WINDOWS = (1, 64, 256)
SLOW_FLUSH_US = 1000


class Series:
    """The figures of one bench in one series: {(system, work, window): [line, ...]}."""

    def __init__(self, bench, series):
        self.bench, self.series = bench, series
        self.lines = {}

    def add(self, line):
        key = (line["system"], line["work"], line["window"])
        self.lines.setdefault(key, []).append(line)

    def median(self, system, work, window, what="rate_per_s"):
        """Nothing if that was not measured."""
        lines = self.lines.get((system, work, window))
        return statistics.median(line[what] for line in lines) if lines else None

    def best_modes(self):
        """Leaves, of a system with several modes, the one whose median rate is the best."""
        for key in [key for key in self.lines if any("mode" in line for line in self.lines[key])]:
            modes = {}
            for line in self.lines[key]:
                modes.setdefault(line["mode"], []).append(line)
            self.lines[key] = max(modes.values(), key=lambda lines: statistics.median(
                line["rate_per_s"] for line in lines))

    def ratio(self, over, under, what="rate_per_s"):
        a, b = self.median(*over, what), self.median(*under, what)
        return a / b if a and b else None

    def records(self):
        for (system, work, window), lines in self.lines.items():
            yield {"bench": self.bench, "system": system, "work": work, "series": self.series,
                   "window": window,
                   "rate_per_s": round(self.median(system, work, window), 1),
                   "p50_us": round(self.median(system, work, window, "p50_us"), 1),
                   "p99_us": round(self.median(system, work, window, "p99_us"), 1),
                   "runs": len(lines)}


def say(text):
    print(text, flush=True)


def note(text):
    print(text, file=sys.stderr, flush=True)


def measure(series, steps, given, processor):
    """Runs all `steps` once for each run. A step is a function that starts what it needs, if that
    does not run yet, and gives a line; it is told which systems of the round run already."""
    for run in range(given.runs):
        with tempfile.TemporaryDirectory(prefix="troupe-bench-", dir=given.data) as folder:
            started = {}
            foreign = ForeignCpu(processor)
            try:
                for step in steps:
                    line = step(started, pathlib.Path(folder))
                    if line["failures"]:
                        note(f"  {line['failures']} failures of {line['system']} {line['work']} at "
                             f"{line['window']}: {line.get('first_failure', '')}")
                    series.add(line)
            finally:
                pids = [pid for system in started.values() for pid in system.pids()]
                busy = foreign.cores(pids)
                for system in started.values():
                    system.stop()
        note(f"{series.bench} {series.series}: round {run + 1} of {given.runs}; others used "
             f"{busy:.2f} of {foreign.processors()} processor(s) meanwhile")
    series.best_modes()


def ask(given, kind, *arguments, **settings):
    """A step that loads the system `kind(...)`, one for all steps of a round that ask for it."""
    name = settings.pop("named", kind.__name__)

    def step(started, folder):
        if name not in started:
            started[name] = kind(given, folder / name, **settings)
        return started[name].load(*arguments)
    return step


def call_steps(given):
    steps = []
    for window in CALL_WINDOWS:
        steps += [ask(given, Reference, "zmq-router", window),
                  ask(given, Reference, "zmq-proxy", window),
                  ask(given, Troupe, "troupe-plain", "echo.echo", window, topology="calls"),
                  ask(given, Troupe, "troupe", "echo.echo", window, topology="calls")]
        if Nats.missing() is None:
            # One outstanding request gives a flusher thread nothing to collect.
            steps += [ask(given, Nats, mode, window)
                      for mode in (("asap",) if window == 1 else ("asap", "flusher"))]
    return steps


def slow(given):
    """Settings of a system whose disk takes a millisecond more to flush."""
    return {"preload": compiled("slow_flush.c", given.build, "-shared", "-fPIC", "-ldl"),
            "slow_flush_us": SLOW_FLUSH_US}


def turn_steps(given):
    steps = []
    for window in CALL_WINDOWS:
        steps += [ask(given, Troupe, "troupe", "echo.echo", window, topology="turns"),
                  ask(given, Troupe, "troupe", "notes.add", window, topology="turns"),
                  ask(given, Troupe, "troupe", "notes.add", window, topology="turns",
                      named="slow", **slow(given))]
    return steps


def saga_steps(given):
    steps = []
    for window in SAGA_WINDOWS:
        steps += [ask(given, Troupe, "troupe", "order_saga.place", window, topology="sagas"),
                  ask(given, Troupe, "troupe", "order_saga.place", window, topology="sagas",
                      named="slow", **slow(given))]
    return steps


# --- What is printed ----------------------------------------------------------------------------

def table(series):
    say(f"\n{series.bench}, {series.series}; medians")
    say(f"  {'system':<14}{'work':<22}{'window':>7}{'per second':>13}{'p50 us':>11}{'p99 us':>11}")
    for line in series.records():
        say(f"  {line['system']:<14}{line['work']:<22}{line['window']:>7}"
            f"{line['rate_per_s']:>13,.0f}{line['p50_us']:>11,.1f}{line['p99_us']:>11,.1f}")


def bar(text, ratio, bound, at_most=False):
    if ratio is None:
        return say(f"  {text}: not measured")
    met = ratio <= bound if at_most else ratio >= bound
    say(f"  {text}: {ratio:.2f}x, bar {'<=' if at_most else '>='} {bound}x: "
        f"{'met' if met else 'MISSED'}")
    return None


def call_bars(series):
    for window in (64, 1000):
        bar(f"plain client / ROUTER-ROUTER at {window}",
            series.ratio(("troupe-plain", "call", window), ("zmq-router", "call", window)), 0.9)
    bar("p50 of plain client / ROUTER-ROUTER at 1",
        series.ratio(("troupe-plain", "call", 1), ("zmq-router", "call", 1), "p50_us"), 1.2, True)
    for window in (64, 1000):
        bar(f"batching client / best of NATS at {window}",
            series.ratio(("troupe", "call", window), ("nats", "call", window)), 2)
    ratio = series.ratio(("troupe", "call", 1000), ("zmq-router", "call", 1000))
    say(f"  batching client / ROUTER-ROUTER at 1000: {ratio:.2f}x (no bar)")


def turn_bars(series):
    bar("committed / stateless at 1000",
        series.ratio(("troupe", "command", 1000), ("troupe", "call", 1000)), 0.3)
    ratio = series.ratio(("troupe", "command, slow flush", 1000), ("troupe", "call", 1000))
    say(f"  with {SLOW_FLUSH_US / 1000:.0f} ms more for each flush: {ratio:.2f}x (no bar)")


def saga_bars(series):
    for window in SAGA_WINDOWS:
        rate = series.median("troupe", "saga", window)
        late = series.median("troupe", "saga, slow flush", window)
        say(f"  {window:>4} at once: {rate:,.0f} sagas/s; with {SLOW_FLUSH_US / 1000:.0f} ms more "
            f"for each flush {late:,.0f}")


BENCHES = {"calls": (call_steps, call_bars), "turns": (turn_steps, turn_bars),
           "sagas": (saga_steps, saga_bars)}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("bench", choices=[*BENCHES, "all"])
    parser.add_argument("--bin", required=True, type=pathlib.Path, help="where the programs are")
    parser.add_argument("--json", type=pathlib.Path, help="one JSON object a line and figure")
    parser.add_argument("--runs", type=int, default=5, help="rounds of each series [5]")
    parser.add_argument("--seconds", type=float, default=1.5, help="of each figure [1.5]")
    parser.add_argument("--series", choices=["pinned", "unpinned", "both"], default="both")
    parser.add_argument("--data", help="folder for databases; a real disk [the system's]")
    parser.add_argument("--processor", type=int, default=max(os.sched_getaffinity(0)),
                        help="of the pinned series [the last]")
    given = parser.parse_args()
    given.bin = given.bin.resolve()
    chosen = list(BENCHES) if given.bench == "all" else [given.bench]
    if "calls" in chosen and (lacking := Nats.missing()) is not None:
        say(f"NATS is left out: {lacking}")
    records = []
    with tempfile.TemporaryDirectory(prefix="troupe-bench-") as build:
        given.build = pathlib.Path(build)
        for name in chosen:
            steps, bars = BENCHES[name]
            for kind in ("pinned", "unpinned") if given.series == "both" else (given.series,):
                series = Series(name, kind)
                processor = given.processor if kind == "pinned" else None
                with pinned_to(processor):
                    measure(series, steps(given), given, processor)
                table(series)
                bars(series)
                records += series.records()
    if given.json is not None:
        given.json.write_text("".join(json.dumps(record) + "\n" for record in records))
    return 0


if __name__ == "__main__":
    sys.exit(main())
