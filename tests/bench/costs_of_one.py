#!/usr/bin/python3
"""What one thing costs, for "Capacity" of nodes/OPERATING.md.

    TROUPE_BIN=$PWD/build/release/bin tests/bench/costs_of_one.py

Bytes on the disk are told table by table, of a database that is packed (VACUUM); they do not depend on what else
the machine does. So is memory, by what a process grows while so many things wait. Processor time is that of broker and worker
together, by what a load of 64 outstanding took: it depends on the machine.
"""

import argparse
import contextlib
import importlib.util
import os
import pathlib
import shutil
import signal
import sqlite3
import sys
import tempfile

import msgpack

_HERE = pathlib.Path(__file__).resolve().parent
sys.path = [str(_HERE.parent / "integration"), *sys.path, str(_HERE)]

import event_systems  # noqa: E402
import harness  # noqa: E402
import systems  # noqa: E402
from machine import memory_mb, used_by  # noqa: E402


def bench_systems():
    """Of this folder; the tests have a module of the same name."""
    spec = importlib.util.spec_from_file_location("bench_systems", _HERE / "systems.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


# The pace of the loads is the machine's; none of them may be refused for it.
ROOM = "{{{}bulkhead: {{in_flight: 512, queue: 20000}}}}"
BODY = "x" * 100
WINDOW = 500


def table_bytes(database: pathlib.Path, *tables: str) -> int:
    """Of these tables, with their indexes, in the database when it is packed."""
    with tempfile.TemporaryDirectory() as folder:
        copy = pathlib.Path(folder) / "copy.db"
        shutil.copy(database, copy)
        with contextlib.closing(sqlite3.connect(copy, isolation_level=None)) as session:
            session.execute("PRAGMA journal_mode = DELETE")
            session.execute("VACUUM")
            before = os.path.getsize(copy)
            for each in tables:
                session.execute(f'DROP TABLE "{each}"')
            session.execute("VACUUM")
        return before - os.path.getsize(copy)


class Running:
    """A system with a broker and a worker, and one client of it."""

    def __init__(self, capabilities: dict[str, str], nodes=("n1",)):
        self.system = harness.System(capabilities, nodes=nodes, more="limits: {body: 64KiB, memory: 8GiB}")
        self.broker = self.system.broker()
        self.worker = self.system.worker()
        self.client = self.system.client()

    def ask(self, count: int, to: str, op: str, body, *, answers: bool = True, **more) -> None:
        """So many calls, at most WINDOW of them outstanding; without `answers` all at once."""
        sent, answered = 0, 0
        while answered < count:
            while sent < count and (not answers or sent - answered < WINDOW):
                self.client.send(to, op, body(sent), ttl=600_000, **more)
                sent += 1
            if not answers:
                return
            reply = self.client.receive()
            if reply is None or not reply.ok:
                raise SystemExit(f"{to}.{op}: {reply}")
            self.client.answers.clear()
            answered += 1

    def memory(self) -> tuple[float, float]:
        return memory_mb(self.broker.pid), memory_mb(self.worker.pid)

    def stop(self) -> None:
        for each in (self.worker, self.broker):
            each.signal(signal.SIGTERM)
            each.await_end()

    def bytes_of(self, name: str, *tables: str) -> int:
        return table_bytes(self.system.data / f"{name}.db", *tables)


def say(what: str, figure: float, unit: str) -> None:
    print(f"{what:<64}{figure:>10,.0f} {unit}", flush=True)


def disk(_given) -> None:
    with contextlib.ExitStack() as stack:
        def running(*words, **more) -> Running:
            made = Running(*words, **more)
            stack.callback(made.system.close)
            return made

        of = running({"notes": ROOM.format("")})
        of.ask(20_000, "notes", "add", lambda i: {"text": BODY})
        of.stop()
        say("a call: its row of the inbox, with an answer of 26 bytes", of.bytes_of("notes", "inbox") / 20_000, "B")
        say("  and its own row of 100 bytes, under an id", of.bytes_of("notes", "notes") / 20_000, "B")

        of = running({"notes": "{}"})
        of.ask(20_000, "troupe.publish", "other.added", lambda i: {"text": BODY}, key="k")
        of.stop()
        say("an event with a body of 107 bytes: in the journal", of.bytes_of("journal", "events") / 20_000, "B")

        of = running({"notes": "{subscribes: [note.*]}"})
        of.ask(2_000, "troupe.publish", "note.taken", lambda i: {"no text": BODY}, key="k")
        event_systems.await_true(of.client, "all are given up", lambda: of.system.rows(
            "journal", "SELECT count(*) FROM dead_letters") == [(2_000,)], within=120)
        of.stop()
        say("a dead letter, with a body of 110 bytes", of.bytes_of("journal", "dead_letters") / 2_000, "B")

        of = running({"notes": "{}"})
        of.ask(5_000, "troupe.events", "schedule", lambda i: {
            "topic": "other.due", "key": "k", "body": msgpack.packb({"text": BODY}), "after": 86_400_000})
        of.stop()
        say("something scheduled, with a body of 107 bytes", of.bytes_of("journal", "scheduled") / 5_000, "B")

        of = running({name: ROOM.format(what[1:-1] + ", ") for name, what in systems.SHOP.items()})
        of.ask(1, "inventory", "load", lambda i: {"items": [
            {"sku": "tea", "price_cents": 500, "currency": "EUR", "quantity": 1_000_000}]})
        of.ask(2_000, "order_saga", "place", order)
        of.stop()
        say("a saga of four steps that is over: its own rows", of.bytes_of(
            "order_saga", "sagas", "saga_journal", "inbox") / 2_000, "B")
        everything = sum(table_bytes(each, *tables_of(each)) for each in of.system.data.glob("*.db"))
        say("  all that an order leaves in five databases and the journal", everything / 2_000, "B")


def tables_of(database: pathlib.Path) -> list[str]:
    with contextlib.closing(sqlite3.connect(database)) as session:
        return [name for name, in session.execute(
            "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")]


def order(number: int) -> dict:
    return {"customer": "c", "currency": "EUR", "card": "tok", "items": [{"sku": "tea", "quantity": 1}]}


def memory(_given) -> None:
    def grown(of: Running, count: int, wait) -> tuple[float, float]:
        """By how many bytes broker and worker have grown for each of so many."""
        before = of.memory()
        wait(of, count)
        return tuple((after - then) * 1e6 / count for then, after in zip(before, of.memory()))

    def answered(of: Running) -> None:
        """The broker has taken all that was sent before."""
        of.system.status(of.client)

    def calls(of, count):
        of.ask(count, "later", "add", lambda i: {"text": BODY}, answers=False)
        answered(of)

    of = Running({"notes": "{nodes: [n1]}", "later": ROOM.format("actor: notes, nodes: [n2], ")}, nodes=("n1", "n2"))
    with contextlib.closing(of.system):
        broker, _ = grown(of, 15_000, calls)
        say("a call of 100 bytes that waits at the broker", broker, "B of the broker")

    def sagas(of, count):
        of.ask(count, "order_saga", "place", order, answers=False)
        event_systems.await_true(of.client, "all have begun", lambda: of.system.rows(
            "order_saga", "SELECT count(*) FROM sagas") == [(count,)], within=120)

    of = Running({name: ROOM.format(what[1:-1] + (", nodes: [n2], " if name == "orders" else ", nodes: [n1], "))
                  for name, what in systems.SHOP.items()}, nodes=("n1", "n2"))
    with contextlib.closing(of.system):
        broker, worker = grown(of, 4_000, sagas)
        say("a saga whose step waits for another capability", worker, "B of the worker")
        say("  with its caller, and the call of its step", broker, "B of the broker")

    def effects(of, count):
        of.ask(count, "payments", "charge", lambda i: {
            "order_id": harness.new_id(), "amount_cents": 500, "currency": "EUR", "card": "tok"}, answers=False)
        event_systems.await_true(of.client, "all are asked for", lambda: of.system.rows(
            "payments", "SELECT count(*) FROM effects") == [(count,)], within=120)

    of = Running({"payments": ROOM.format(
        "nodes: [n1], effects: {threads: 1, queue: 10000}, config: {provider: {simulated: {latency: 600s}}}, ")})
    with contextlib.closing(of.system):
        broker, worker = grown(of, 4_000, effects)
        say("an effect that waits for its turn", worker, "B of the worker")
        say("  with its caller", broker, "B of the broker")


def processor(given) -> None:
    loads = (
        ("a call without a database", "turns", lambda of: of.load("troupe", "echo.echo", 64), "answers"),
        ("a call that commits", "turns", lambda of: of.load("troupe", "notes.add", 64), "answers"),
        ("an event, until it is on disk", "events", lambda of: of.publish("troupe", 64), "answers"),
        ("an event, until its handler has committed", "events", lambda of: of.handle(64), "events"),
        ("a saga of four steps", "sagas", lambda of: of.load("troupe", "order_saga.place", 64), "answers"))
    kind = bench_systems().Troupe
    for what, topology, load, counted in loads:
        with tempfile.TemporaryDirectory(prefix="troupe-bench-") as folder:
            of = kind(given, pathlib.Path(folder) / "data", topology)
            try:
                load(of)  # Until all of it is warm.
                before = sum(map(used_by, of.pids()))
                line = load(of)
                took = sum(map(used_by, of.pids())) - before
            finally:
                of.stop()
        # Answers are those of the time measured; the load runs for half a second before it.
        share = given.seconds / (given.seconds + min(0.5, given.seconds / 3)) if counted == "answers" else 1
        say(what, took * 1e6 * share / max(1, line[counted]), "us of a processor")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=3, help="of each load whose processor time is taken [3]")
    parser.add_argument("--part", choices=PARTS, action="append", help="only this; may be repeated [all]")
    given = parser.parse_args()
    given.bin = harness.BIN.resolve()
    for name in given.part or PARTS:
        print(f"\n{name}", flush=True)
        PARTS[name](given)


PARTS = {"disk": disk, "memory": memory, "processor": processor}

if __name__ == "__main__":
    main()
