#!/usr/bin/python3
"""Checks the shop's books after (or during) a run. From the orders as they were asked for, the stock at
the start, the provider's log and the spool it computes what every table must hold, and compares all of
it in both directions, on copies, with no code in common with the programs that wrote them.

Exit status: 0 all is well, 1 something is violated or never ended, 2 it could not be checked.
"""

import argparse
import collections
import dataclasses
import json
import pathlib
import re
import sqlite3
import sys
import tempfile
import time
from typing import Any

import event_journal
import money
from databases import Books, copy_databases, last_written
from event_positions import EventPositions
from expected import Order
from findings import ALWAYS, TITLES, Findings, Result
from frame import Frame
from goods import Goods
from inboxes import Inboxes
from keeping import Keeping
from lives import Lives
from liveness import Liveness, read_liveness, wait_until_quiet
from mails import Mails
from order_book import OrderBook
from run import Run
from sagas import Sagas
from topology import Topology
from wishes import CannotCheck, ClientLog, Delivery, read_client_log, read_stock, read_wishes

GOOD, VIOLATED, CANNOT = 0, 1, 2


@dataclasses.dataclass
class Report:
    results: dict[str, Result]
    liveness: Liveness
    counts: dict[str, Any]
    while_running: bool = False
    excused: int = 0

    @property
    def safe(self) -> bool:
        return not any(result.violations for result in self.results.values())

    @property
    def good(self) -> bool:
        return self.safe and (self.while_running or self.liveness.quiet)

    def as_json(self) -> dict[str, Any]:
        return {
            "verdict": "good" if self.good else "violated" if not self.safe else "not quiet",
            "safe": self.safe,
            "excused": self.excused,
            "invariants": {name: {"what": TITLES[name], **dataclasses.asdict(result)}
                           for name, result in self.results.items()},
            "liveness": {**dataclasses.asdict(self.liveness), "quiet": self.liveness.quiet},
            "counts": self.counts,
        }


def count(run: Run, orders: dict[bytes, Order], epochs: list[int]) -> dict[str, Any]:
    """What was asked for, what was said, and what came of it."""
    log, asked = run.log, run.log.orders
    reasons = collections.Counter(
        reason for each in asked.values() if not each.ok for reason in each.reasons)
    states = {key: order.book for key, order in orders.items()}
    lines = run.provider or []
    moved = collections.Counter((order, kind) for _, kind, order, _ in set(lines))
    return {
        "attempted": len(asked),
        "calls": log.calls,
        "failed_calls": dict(log.failed_calls),
        "acknowledged": sum(bool(each.ok or each.refused) for each in asked.values()),
        "confirmed": sum(bool(each.ok) for each in asked.values()),
        "rejected": dict(sorted(reasons.items())),
        "unknown": sum(each.outcome == "unknown" for each in asked.values()),
        "unanswered": sum(not each.ok and not each.refused for each in asked.values()),
        "recovered": sum(each.outcome == "unknown" and states.get(key) == "confirmed"
                         for key, each in asked.items()),
        "lost": sum(each.outcome == "ok" and states.get(key) != "confirmed"
                    for key, each in asked.items()),
        "unexpected": len(orders.keys() - asked.keys()) if asked else 0,
        "duplicated": len({order for (order, _), times in moved.items() if times > 1}),
        "provider_transfers": len(set(lines)),
        "provider_repeats": len(lines) - len(set(lines)),
        "sagas": len(epochs),
        "taken_over": sum(epoch > 1 for epoch in epochs),
    }


def open_run(arguments: argparse.Namespace, folder: pathlib.Path) -> tuple[Run, Liveness]:
    data = pathlib.Path(arguments.data)
    findings = Findings(arguments.while_running, read_excuses(arguments.excused))
    provider_log = pathlib.Path(arguments.provider_log or data / "provider.log")
    spool = pathlib.Path(arguments.spool or data / "mail")
    for wanted, path in ((arguments.provider_log, provider_log), (arguments.spool, spool)):
        if wanted and not path.exists():
            raise CannotCheck(f"{path} is not there")
    # Before the copies are made: what is acknowledged by then must be in them.
    log = read_client_log(pathlib.Path(arguments.client_log)) if arguments.client_log else ClientLog()
    published = event_journal.read_publish_log(pathlib.Path(arguments.publish_log)) \
        if arguments.publish_log else None
    copies = copy_databases(data, folder)
    orders = pathlib.Path(arguments.orders) if arguments.orders else None
    books = Books(copies, findings)
    topology = Topology.beside(data)
    # What the topology says that there is, is empty if it is not there.
    has_provider = provider_log.exists() or topology.has("payments", "data/provider.log")
    has_spool = spool.is_dir() or topology.has("notifications", "data/mail")
    run = Run(
        data, books, findings, topology, log,
        read_wishes(orders) if orders else None, _read_delivery(arguments, orders),
        money.read_provider_log(provider_log) if has_provider else None,
        published, spool if has_spool else None)
    run.begin = min(row["created_at"] for name in books.names()
                    for row in books[name].rows("troupe_meta"))
    run.end = int(time.time() * 1000) if arguments.while_running else last_written(data) + 1_000
    return run, read_liveness(copies)


def read_excuses(path: str | None) -> list[re.Pattern[str]]:
    """One regular expression a line."""
    if path is None:
        return []
    try:
        return [re.compile(line) for line in pathlib.Path(path).read_text().splitlines() if line]
    except re.error as fault:
        raise CannotCheck(f"{path}: {fault}") from fault


def _read_delivery(arguments: argparse.Namespace, orders: pathlib.Path | None) -> Delivery | None:
    """The file of stock lies beside that of the orders, if no other is named."""
    if arguments.stock:
        return read_stock(pathlib.Path(arguments.stock))
    beside = orders.parent / "stock.json" if orders else None
    return read_stock(beside) if beside and beside.exists() else None


def run_checks(arguments: argparse.Namespace) -> Report:
    with tempfile.TemporaryDirectory(prefix="troupe-checker-") as folder:
        run, liveness = open_run(arguments, pathlib.Path(folder))
        try:
            counts = check(run)
        finally:
            run.books.close()
    return Report(run.findings.results, liveness, counts, arguments.while_running,
                  run.findings.excused)


def check(run: Run) -> dict[str, Any]:
    """Compares everything. @return the counts."""
    sagas = Sagas(run)
    sagas.read()
    orders = sagas.orders
    book, goods = OrderBook(run, orders), Goods(run, orders)
    book.check()
    goods.check()
    money.Money(run, orders).check()
    inboxes = Inboxes(run, orders)
    found = inboxes.read()
    inboxes.check(found, goods.check_loads(found["inventory"]))
    Frame(run).check()
    Keeping(run).check()
    epochs = [row["epoch"] for row in run.books["order_saga"].rows("sagas")]
    counts = {**count(run, orders, epochs), "forgotten_calls": inboxes.forgotten,
              "forgotten_sagas": sagas.forgotten}
    if "journal" not in run.books:
        _without_events(run.findings, "no journal.db")
        return counts
    journal = event_journal.EventJournal(run, book.told, goods)
    journal.check()
    positions = EventPositions(run, journal)
    positions.check()
    Lives(run, journal, book.told).check()
    counts |= {"events": len(journal.events), "dead": len(positions.buried),
               "swept": sum(journal.swept.values())}
    if "notifications" in run.books:
        Mails(run, orders, journal, positions.buried).check()
    else:
        run.findings.without("I9", "no notifications.db")
    return counts


def _without_events(findings: Findings, why: str) -> None:
    for name in ("I9", "I11", "I13", "I17", "I18"):
        findings.without(name, why, anything=False)


def print_report(report: Report) -> None:
    for name, result in report.results.items():
        verdict = f"{result.violations} VIOLATED" if result.violations else \
            "ok" if result.checked else "not checked"
        if result.without:
            verdict += f" ({', '.join(result.without)})"
        print(f"{name:<4} {TITLES[name]:<62} {verdict}")
        for example in result.examples:
            print(f"     {example}")
    print(f"live {'nothing is left under way':<62} "
          f"{'ok' if report.liveness.quiet else 'NOT QUIET'}")
    if report.excused:
        print(f"     {report.excused} findings are excused")
    if not report.liveness.quiet:
        print(f"     {report.liveness}")
    print()
    for name, value in report.counts.items():
        if isinstance(value, dict):
            value = ", ".join(f"{key} {number}" for key, number in value.items()) or "none"
        print(f"     {name.replace('_', ' '):<22} {value}")
    print()
    if report.good:
        print("The books agree." if not report.while_running else "So far the books agree.")
    else:
        print("THE BOOKS DO NOT AGREE." if not report.safe else "NOT EVERYTHING HAS ENDED.")


def parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, help="folder of the databases, CAPABILITY.db each")
    parser.add_argument("--client-log", help="what the client noted, one JSON object a line")
    parser.add_argument("--provider-log", help="the card company's book (default: DATA/provider.log,"
                                               " if there is one)")
    parser.add_argument("--orders", help="what was ordered, one JSON object a line")
    parser.add_argument("--stock", help="what was delivered at the start (default: stock.json beside"
                                        " the file of orders, if there is one)")
    parser.add_argument("--publish-log", help="acknowledged publishes, one JSON object a line:"
                                              " id and position")
    parser.add_argument("--spool", help="folder of the mails (default: DATA/mail, if there is one)")
    parser.add_argument("--excused", metavar="FILE",
                        help="findings that somebody knows the reason of: a regular expression a line, of"
                             " a whole finding")
    parser.add_argument("--while-running", action="store_true",
                        help=f"check only what holds at every moment: {', '.join(ALWAYS)}")
    parser.add_argument("--wait-quiet", type=float, default=0, metavar="SECONDS",
                        help="first wait so long for everything to end")
    parser.add_argument("--quiet-only", action="store_true",
                        help="with --wait-quiet: check nothing else")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    return parser.parse_args(arguments)


def main(arguments: list[str]) -> int:
    wanted = parse(arguments)
    try:
        if wanted.wait_quiet or wanted.quiet_only:
            liveness = wait_until_quiet(pathlib.Path(wanted.data), wanted.wait_quiet)
            if wanted.quiet_only:
                print(liveness)
                return GOOD if liveness.quiet else VIOLATED
        report = run_checks(wanted)
    except (CannotCheck, OSError, ValueError, sqlite3.Error) as fault:
        print(f"checker: could not check: {fault}", file=sys.stderr)
        return CANNOT
    if wanted.json:
        print(json.dumps(report.as_json(), indent=2))
    else:
        print_report(report)
    return GOOD if report.good else VIOLATED


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
