#!/usr/bin/env python3
"""Checks the shop's books after (or during) a run: from copies of the databases, the client's own
log and the provider's log, with no code in common with the programs that wrote them.

Exit status: 0 all is well, 1 something is violated or never ended, 2 it could not be checked.
"""

import argparse
import collections
import dataclasses
import json
import pathlib
import sqlite3
import sys
import tempfile
from typing import Any

import books
import event_books
import invariants

GOOD, VIOLATED, CANNOT = 0, 1, 2


@dataclasses.dataclass
class Report:
    results: dict[str, invariants.Result]
    liveness: books.Liveness
    counts: dict[str, Any]
    while_running: bool = False

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
            "invariants": {
                name: {"what": invariants.TITLES[name], **dataclasses.asdict(result)}
                for name, result in self.results.items()},
            "liveness": {**dataclasses.asdict(self.liveness), "quiet": self.liveness.quiet},
            "counts": self.counts,
        }


def count(connection: sqlite3.Connection, log: books.ClientLog, provider_lines: int) -> dict[str, Any]:
    """What was asked for, what was said, and what came of it."""
    def number(query: str) -> int:
        return connection.execute(query).fetchone()[0]

    reasons = collections.Counter(
        reason for asked in log.orders.values() if not asked.ok for reason in asked.reasons)
    join = "FROM asked a LEFT JOIN orders.orders o USING (order_id) WHERE"
    return {
        "attempted": len(log.orders),
        "calls": log.calls,
        "failed_calls": dict(log.failed_calls),
        "acknowledged": sum(bool(asked.ok or asked.refused) for asked in log.orders.values()),
        "confirmed": sum(bool(asked.ok) for asked in log.orders.values()),
        "rejected": dict(sorted(reasons.items())),
        "unknown": number("SELECT COUNT(*) FROM asked WHERE outcome = 'unknown'"),
        "unanswered": sum(not asked.ok and not asked.refused for asked in log.orders.values()),
        "recovered": number(
            f"SELECT COUNT(*) {join} a.outcome = 'unknown' AND o.state = 'confirmed'"),
        "lost": number(
            f"SELECT COUNT(*) {join} a.outcome = 'ok' AND o.state IS NOT 'confirmed'"),
        "unexpected": number(
            "SELECT COUNT(*) FROM orders.orders"
            " WHERE order_id NOT IN (SELECT order_id FROM asked)") if log.orders else 0,
        "duplicated": number("SELECT COUNT(*) FROM provided WHERE captures > 1 OR refunds > 1"),
        "provider_transfers": number("SELECT COUNT(*) FROM provider"),
        "provider_repeats": provider_lines - number("SELECT COUNT(*) FROM provider"),
        "sagas": number("SELECT COUNT(*) FROM order_saga.sagas"),
        "taken_over": number("SELECT COUNT(*) FROM order_saga.sagas WHERE epoch > 1"),
    }


def run_checks(arguments: argparse.Namespace) -> Report:
    data = pathlib.Path(arguments.data)
    provider_log = pathlib.Path(arguments.provider_log or data / "provider.log")
    if arguments.provider_log and not provider_log.exists():
        raise books.CannotCheck(f"{provider_log}: no such file")
    spool = pathlib.Path(arguments.spool or data / "mail")
    if arguments.spool and not spool.is_dir():
        raise books.CannotCheck(f"{spool}: no such folder")
    # Before the copies are made: what is acknowledged or sent by then must be in them.
    log = books.read_client_log(pathlib.Path(arguments.client_log)) \
        if arguments.client_log else books.ClientLog()
    published = event_books.read_publish_log(pathlib.Path(arguments.publish_log)) \
        if arguments.publish_log else None
    mails = event_books.read_spool(spool) if spool.is_dir() else None
    with tempfile.TemporaryDirectory(prefix="troupe-checker-") as folder:
        copies = books.copy_databases(data, pathlib.Path(folder))
        lines = books.read_provider_log(provider_log) if provider_log.exists() else []
        liveness = books.read_liveness(copies)
        connection = books.attach(copies)
        books.load_client_log(connection, log)
        books.load_provider_log(connection, lines)
        books.load_wishes(connection, pathlib.Path(arguments.orders) if arguments.orders else None)
        known = {"client": bool(arguments.client_log), "wishes": bool(arguments.orders),
                 "provider": provider_log.exists()}
        absent = event_books.load(connection, published, mails)
        results = invariants.check(connection, log, known, absent, arguments.while_running)
        counts = {**count(connection, log, len(lines)), **event_books.count(connection, absent)}
        connection.close()
    return Report(results, liveness, counts, arguments.while_running)


def print_report(report: Report) -> None:
    for name, result in report.results.items():
        verdict = f"{result.violations} VIOLATED" if result.violations else \
            "ok" if result.checked else "not checked"
        if result.without:
            verdict += f" ({', '.join(result.without)})"
        print(f"{name:<4} {invariants.TITLES[name]:<62} {verdict}")
        if result.violations:
            print(f"     first: {result.first_key}: {result.first}")
    print(f"live {'nothing is left under way':<62} "
          f"{'ok' if report.liveness.quiet else 'NOT QUIET'}")
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
    parser.add_argument("--publish-log", help="acknowledged publishes, one JSON object a line:"
                                              " id and position")
    parser.add_argument("--spool", help="folder of the mails (default: DATA/mail, if there is one)")
    parser.add_argument("--while-running", action="store_true",
                        help=f"check only what holds at every moment: {', '.join(invariants.ALWAYS)}")
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
            liveness = books.wait_until_quiet(pathlib.Path(wanted.data), wanted.wait_quiet)
            if wanted.quiet_only:
                print(liveness)
                return GOOD if liveness.quiet else VIOLATED
        report = run_checks(wanted)
    except (books.CannotCheck, OSError, ValueError, sqlite3.Error) as fault:
        print(f"checker: could not check: {fault}", file=sys.stderr)
        return CANNOT
    if wanted.json:
        print(json.dumps(report.as_json(), indent=2))
    else:
        print_report(report)
    return GOOD if report.good else VIOLATED


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
