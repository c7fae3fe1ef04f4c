#!/usr/bin/python3
"""Measures Troupe beside its peers, interleaved in one run, and says which bars are met.

    bench.py calls|turns|sagas|events|http|replicated|all --bin DIR [--json FILE] [--runs N] [--seconds S]
             [--beside DIR] [--secure] [--traced] [--without-spans DIR]

calls   client -> broker -> worker's actor -> back: Troupe's batching client and a plain two-frame
        one beside bare ZeroMQ and NATS; with `--secure` all of them once more, with keys or TLS on
        each link and rules or users; with `--traced` Troupe's also with 1 % and all of them traced
turns   a command whose effect is committed beside a call that commits nothing
sagas   the order saga, from the order to its confirmation
events  events published, and handled, beside JetStream, RabbitMQ and Redis; how long it takes, and
        what an event costs when many wait and many listen (events.py)
http    requests through the gateway, beside moleculer-web, nginx with Node.js, and nginx alone (web.py)
replicated  journal and turns on PostgreSQL beside bare libpq; with a synchronous standby beside JetStream
        R3 and RabbitMQ's quorum queues (replicated.py); not in `all`

`--beside` takes the programs of another release, built by its own `./dev bench`, through the same
loads in the same rounds, and says what each of our figures is beside theirs; `--without-spans` those
of a build of these sources that records no traces (tests/README.md, "What traces cost").

Two series: `pinned`, all processes on one processor, which shows the cost of a message, and
`unpinned`. Systems take turns (A B C A B C ...), so that what else the machine does hits them alike.
"""

import argparse
import copy
import json
import os
import pathlib
import sys
import tempfile

from events import EVENT_PARTS, event_bars, event_steps
from machine import pinned_to
from peers import JetStream, Nats, RabbitMq, Redis, SecureNats
from replicated import (REPLICATED_PARTS, BarePostgres, JetStreamOfThree, RabbitMqOfThree, replicated_bars,
                        replicated_steps)
from series import (OTHER_RELEASE, SLOW_FLUSH_US, Series, ask, bar, beside, measure, say, slow, table,
                    versus)
from systems import SECURE, Reference, SecureTroupe, TracedTroupe, Troupe, traced
from web import WEB_NEEDS, web_bars, web_steps

CALL_WINDOWS = (1, 64, 1000)
SAGA_WINDOWS = (1, 64, 256)
# The share of the calls that are traced, and what is to be left of the rate.
TRACED = ((0.01, 0.97), (1, 0.5))
# What is to be left of the rate of a build without spans where nothing is traced, and of another release.
SPANS_OFF = 0.99
OTHER_RELEASE_LEAST = 0.95


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
        if given.secure:
            steps += secure_steps(given, window)
        if given.traced:
            steps += [ask(given, TracedTroupe, "troupe", "echo.echo", window, topology="calls",
                          share=share, named=traced(share)) for share, _ in TRACED]
    return steps


def secure_steps(given, window):
    """What links with keys and rules cost, and what TLS and users cost NATS."""
    steps = [ask(given, Reference, "zmq-router", window, do="load_secured"),
             ask(given, SecureTroupe, "troupe-plain", "echo.echo", window, topology="calls"),
             ask(given, SecureTroupe, "troupe", "echo.echo", window, topology="calls")]
    if SecureNats.missing() is None:
        steps += [ask(given, SecureNats, mode, window)
                  for mode in (("asap",) if window == 1 else ("asap", "flusher"))]
    return steps


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
    if series.median("troupe" + SECURE, "call", 1000):
        secure_bars(series)
    for window in (64, 1000):
        for share, most in TRACED:
            name = f"troupe, {traced(share)}"
            if series.median(name, "call", window):
                bar(f"batching client, {traced(share)} / untraced at {window}",
                    series.ratio((name, "call", window), ("troupe", "call", window)), most)


def secure_bars(series):
    secure = {name: name + SECURE for name in ("troupe", "troupe-plain", "zmq-router", "nats")}
    bar("batching client, secure / plain at 1000",
        series.ratio((secure["troupe"], "call", 1000), ("troupe", "call", 1000)), 0.5)
    for window in (64, 1000):
        bar(f"batching client / best of NATS at {window}, secure",
            series.ratio((secure["troupe"], "call", window), (secure["nats"], "call", window)), 2)
        bar(f"plain client / ROUTER-ROUTER at {window}, secure",
            series.ratio((secure["troupe-plain"], "call", window),
                         (secure["zmq-router"], "call", window)), 0.9)


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
           "sagas": (saga_steps, saga_bars), "events": (event_steps, event_bars),
           "http": (web_steps, web_bars), "replicated": (replicated_steps, replicated_bars)}
# Three nodes of RabbitMQ beside two servers of PostgreSQL want a machine for themselves.
IN_ALL = [each for each in BENCHES if each != "replicated"]
PEERS = {"calls": (Nats, SecureNats), "events": (JetStream, RabbitMq, Redis), "http": WEB_NEEDS,
         "replicated": (BarePostgres, JetStreamOfThree, RabbitMqOfThree)}


def all_steps(steps, given):
    """Of each round, by its number."""
    ours = steps(given)
    if given.beside is None:
        return lambda _run: ours
    other = copy.copy(given)
    other.bin, other.release = given.beside.resolve(), OTHER_RELEASE
    return beside(ours, steps(other))


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
    parser.add_argument("--part", action="append", choices=EVENT_PARTS + REPLICATED_PARTS,
                        help="of events and replicated: only this; may be repeated [all]")
    parser.add_argument("--beside", type=pathlib.Path, help="programs of another release")
    parser.add_argument("--secure", action="store_true",
                        help="of calls: also with keys on each link, and rules")
    parser.add_argument("--without-spans", type=pathlib.Path,
                        help="of calls: programs of a build with TROUPE_SPANS=OFF, beside these")
    parser.add_argument("--traced", action="store_true", help="of calls: also with traces recorded")
    given = parser.parse_args()
    if given.traced and given.bench not in ("calls", "all"):
        parser.error("--traced is for calls")
    if given.without_spans is not None:
        if given.bench != "calls" or given.beside is not None:
            parser.error("--without-spans is for calls, and takes the place of --beside")
        given.beside = given.without_spans
    if given.secure and given.bench not in ("calls", "all"):
        parser.error("--secure is for calls")
    given.bin = given.bin.resolve()
    given.release = ""
    chosen = IN_ALL if given.bench == "all" else [given.bench]
    for peer in dict.fromkeys(peer for name in chosen for peer in PEERS.get(name, ())):
        if (lacking := peer.missing()) is not None:
            say(f"{peer.name} is left out: {lacking}")
    records = []
    with tempfile.TemporaryDirectory(prefix="troupe-bench-") as build:
        given.build = pathlib.Path(build)
        for name in chosen:
            steps, bars = BENCHES[name]
            for kind in ("pinned", "unpinned") if given.series == "both" else (given.series,):
                series = Series(name, kind)
                processor = given.processor if kind == "pinned" else None
                with pinned_to(processor):
                    measure(series, all_steps(steps, given), given, processor)
                table(series)
                bars(series)
                versus(series, *(("a build without spans", SPANS_OFF) if given.without_spans
                                 else ("other release", OTHER_RELEASE_LEAST)))
                records += series.records()
    if given.json is not None:
        given.json.write_text("".join(json.dumps(record) + "\n" for record in records))
    return 0


if __name__ == "__main__":
    sys.exit(main())
